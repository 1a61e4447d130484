// Deadlines without a timer per request: one interval, running only while something is armed, looks at all of them.
// Moving one on is an assignment, so that an idle limit can follow every chunk of a stream at no cost.
import type { Clock } from './clock.ts';

/** How often the deadlines are looked at, in milliseconds. */
const RESOLUTION_MS = 50;

export interface Deadline {
  /** Fires `ms` from now instead, up to 100 ms late; also arms a deadline that has fired or was disarmed. */
  rearm(ms: number): void;
  disarm(): void;
}

export interface Deadlines {
  /** Calls `onDue` once, up to 50 ms after `ms` have passed, unless disarmed or re-armed before. */
  arm(ms: number, onDue: () => void): Deadline;
}

export function createDeadlines(clock: Pick<Clock, 'elapsed'>): Deadlines {
  const ticker = new Ticker(clock);
  return { arm: (ms, onDue) => new Entry(ms, onDue, ticker) };
}

class Ticker {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #armed = new Set<Entry>();
  #interval: ReturnType<typeof setInterval> | undefined;

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }
  add(entry: Entry): void {
    this.#armed.add(entry);
    this.#interval ??= setInterval(() => this.#tick(), RESOLUTION_MS);
  }
  remove(entry: Entry): void {
    this.#armed.delete(entry);
  }

  #tick(): void {
    const now = this.#clock.elapsed();
    for (const entry of this.#armed) entry.look(now);
    if (this.#armed.size > 0) return;
    clearInterval(this.#interval);
    this.#interval = undefined;
  }
}

const NOT_MOVED = -1;

class Entry implements Deadline {
  readonly #onDue: () => void;
  readonly #ticker: Ticker;
  #dueAt: number;
  /** By how much it was moved on since it was last looked at: the next look counts from then, without a clock here. */
  #movedMs = NOT_MOVED;
  #isArmed = true;

  constructor(ms: number, onDue: () => void, ticker: Ticker) {
    this.#onDue = onDue;
    this.#ticker = ticker;
    this.#dueAt = ticker.elapsed() + ms;
    ticker.add(this);
  }

  rearm(ms: number): void {
    if (this.#isArmed) {
      this.#movedMs = ms;
      return;
    }
    this.#isArmed = true;
    this.#dueAt = this.#ticker.elapsed() + ms;
    this.#ticker.add(this);
  }
  disarm(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    this.#movedMs = NOT_MOVED;
    this.#ticker.remove(this);
  }
  look(now: number): void {
    if (this.#movedMs !== NOT_MOVED) {
      this.#dueAt = now + this.#movedMs;
      this.#movedMs = NOT_MOVED;
    } else if (this.#dueAt <= now) {
      this.disarm();
      this.#onDue();
    }
  }
}

/** Resolves after `ms`; rejects with `signal`'s reason as soon as it aborts. */
export function waitFor(ms: number, deadlines: Deadlines, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      deadline.disarm();
      reject(signal.reason);
    };
    const deadline = deadlines.arm(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
