// One call of an upstream: the client's signal and each of the four time limits abort it, in every phase.
import type { DueTimes, Timed } from '../domain/deadlines.ts';
import type { Stop } from '../domain/stop.ts';
import { timeoutError, type TimeLimit } from './failure.ts';
import type { Target } from './provider.ts';

export interface GuardedCall extends Abortable {
  readonly upstream: string;
  /** The next piece is awaited from now on. */
  expectPiece(): void;
  /** Nothing is awaited: the client is not reading, which is not the upstream's fault. */
  pause(): void;
  abort(reason: unknown): void;
  release(): void;
}

/** What can be aborted, without an AbortSignal where nobody needs one: they cost more than all that happens here. */
export interface Abortable {
  isAborted(): boolean;
  /** Why it was aborted. */
  reason(): unknown;
  /** Who is told of an abort from now on; null for nobody. */
  tell(listener: AbortListener | null): void;
  /** For those who understand nothing else. */
  signal(): AbortSignal;
}

export interface AbortListener {
  failed(reason: unknown): void;
}

export function guardCall(target: Target, deadlines: DueTimes, client: Stop): GuardedCall {
  client.throwIfAborted();
  const call = new TimedCall(target, deadlines, client);
  client.addEventListener('abort', call, ONCE);
  deadlines.watch(call);
  return call;
}

const ONCE = { once: true };
const NEVER = Number.POSITIVE_INFINITY;

/** The next of its limits is what it is due at: one entry among the deadlines, which moves with the call. */
class TimedCall implements GuardedCall, Timed {
  dueAt: number;
  place = -1;
  readonly upstream: string;
  readonly #target: Target;
  readonly #deadlines: DueTimes;
  readonly #client: Stop;
  #connectBy: number;
  #firstByteBy: number;
  #idleBy = NEVER;
  readonly #totalBy: number;
  /** Whether it is being looked whether the upstream accepts connections. */
  #isChecking = false;
  #isReleased = false;
  #isAborted = false;
  #reason: unknown = undefined;
  #listener: AbortListener | null = null;
  #controller: AbortController | null = null;

  constructor(target: Target, deadlines: DueTimes, client: Stop) {
    this.upstream = target.upstream;
    this.#target = target;
    this.#deadlines = deadlines;
    this.#client = client;
    const { timeouts } = target;
    const now = deadlines.now();
    this.#connectBy = now + timeouts.connectMs / 2;
    this.#firstByteBy = now + timeouts.firstByteMs;
    this.#totalBy = now + timeouts.totalMs;
    this.dueAt = Math.min(this.#connectBy, this.#firstByteBy, this.#totalBy);
  }

  isAborted(): boolean {
    return this.#isAborted;
  }
  reason(): unknown {
    return this.#reason;
  }
  tell(listener: AbortListener | null): void {
    this.#listener = listener;
  }
  signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  expectPiece(): void {
    this.#connectBy = NEVER;
    this.#firstByteBy = NEVER;
    this.#idleBy = this.#deadlines.now() + this.#target.timeouts.idleMs;
    this.dueAt = Math.min(this.#idleBy, this.#totalBy);
  }
  pause(): void {
    this.#idleBy = NEVER;
    this.#reckon();
  }
  abort(reason: unknown): void {
    // Whoever reads the body may never ask for its next piece again: so nothing may stay armed.
    this.release();
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#listener?.failed(reason);
    this.#controller?.abort(reason);
  }
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#client.removeEventListener('abort', this);
    this.#deadlines.unwatch(this);
  }

  /** The client has gone. */
  handleEvent(): void {
    this.abort(this.#client.reason);
  }

  onDue(): void {
    const now = this.#deadlines.now();
    const { connectMs, firstByteMs, idleMs, totalMs } = this.#target.timeouts;
    if (this.#firstByteBy <= now) return this.#overdue('first byte', firstByteMs);
    if (this.#totalBy <= now) return this.#overdue('total', totalMs);
    if (this.#idleBy <= now) return this.#overdue('idle', idleMs);
    if (this.#connectBy <= now) {
      if (this.#isChecking) return this.#overdue('connect', connectMs);
      this.#checkConnect(now);
    }
    this.#reckon();
    this.#deadlines.watch(this);
  }

  #overdue(limit: TimeLimit, ms: number): void {
    this.abort(timeoutError(limit, ms, this.upstream));
  }
  #reckon(): void {
    this.dueAt = Math.min(this.#connectBy, this.#firstByteBy, this.#idleBy, this.#totalBy);
  }

  /**
   * fetch does not tell when it has connected. So a call that has heard nothing for half the connect limit is checked
   * by a connection of its own, which gets the other half: a reply in time costs nothing.
   */
  #checkConnect(now: number): void {
    const { baseUrl, timeouts } = this.#target;
    const { hostname, port, protocol } = new URL(baseUrl);
    this.#isChecking = true;
    this.#connectBy = now + timeouts.connectMs / 2;
    // A refusal or reset is an answer too: fetch reports it in its own words.
    const answered = () => {
      this.#connectBy = NEVER;
      this.#reckon();
    };
    const close = (socket: { end(): unknown }) => {
      answered();
      socket.end();
    };
    Bun.connect({
      hostname: hostname.replaceAll(/[[\]]/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      socket: { open: close, data() {}, error: answered, connectError: answered },
    }).catch(answered);
  }
}
