// How long to wait before the gateway is tried again, and when to give up.

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** A connection that held for so long was one, even if no event came over it. */
export const HELD_MS = LONGEST_PAUSE_MS;

export class Patience {
  readonly #reconnectMs: number;
  #pauseMs = FIRST_PAUSE_MS;
  #giveUpAt: number | null = null;

  constructor(reconnectMs: number) {
    this.#reconnectMs = reconnectMs;
  }

  /** The pause after a connection was lost, in milliseconds; null when it is time to give up. */
  afterLoss({ worked, retryAfterMs }: { worked: boolean; retryAfterMs: number }): number | null {
    const now = performance.now();
    if (worked || this.#giveUpAt === null) {
      this.#giveUpAt = now + this.#reconnectMs;
      this.#pauseMs = FIRST_PAUSE_MS;
    }
    // Spread out, so that the clients of a gateway that was restarted do not come back all at once.
    const spread = this.#pauseMs * (0.5 + Math.random() / 2);
    const pause = Math.max(spread, retryAfterMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    return now + pause > this.#giveUpAt ? null : pause;
  }
}

/** What the reply asks for, in milliseconds; 0 where it asks for nothing. */
export function retryAfterMs(headers: Headers): number {
  const ms = headers.get('retry-after-ms');
  const asked = ms === null ? Number(headers.get('retry-after') ?? 0) * 1000 : Number(ms);
  // A date, say, is not understood.
  return Number.isFinite(asked) && asked > 0 ? asked : 0;
}

/** Rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal | null): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
  signal?.throwIfAborted();
}
