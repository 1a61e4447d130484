// Deadlines without a timer per request: one interval, running only while something is armed, looks at all of them.
// Re-arming is one assignment, so that an idle limit can be moved on with every chunk of a stream at no cost.
import type { Clock } from './clock.ts';
import type { Stop } from './stop.ts';

/** How late a deadline may fire, in milliseconds. */
const RESOLUTION_MS = 50;

export interface Deadline {
  /** Fires `ms` from now instead; also arms a deadline that has fired or was disarmed. */
  rearm(ms: number): void;
  disarm(): void;
}

/** What has a time at which it is due; it can be moved while it is watched. */
export interface Timed {
  /** On the clock of `now`, in milliseconds. */
  dueAt: number;
  /** Where it stands among those that are watched, -1 where it does not: nobody else's to change. */
  place: number;
  onDue(): void;
}

export interface Deadlines {
  /** Calls `onDue` once, up to 50 ms after `ms` have passed, unless disarmed or re-armed before. */
  arm(ms: number, onDue: () => void): Deadline;
}

/** The same for what knows its time itself: nothing has to be made for it. It is watched until it is due. */
export interface DueTimes {
  watch(timed: Timed): void;
  unwatch(timed: Timed): void;
  /** Monotonic milliseconds. */
  now(): number;
}

export function createDeadlines(clock: Pick<Clock, 'elapsed'>): Deadlines & DueTimes {
  const watched: Timed[] = [];
  let ticker: ReturnType<typeof setInterval> | undefined;

  function tick(): void {
    const now = clock.elapsed();
    // From the end: what leaves is replaced by the last one, which has been looked at.
    for (let at = watched.length - 1; at >= 0; at--) {
      const timed = watched[at];
      if (!timed || timed.dueAt > now) continue;
      unwatch(timed);
      timed.onDue();
    }
    if (watched.length === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
  }

  function watch(timed: Timed): void {
    if (timed.place !== -1) return;
    timed.place = watched.push(timed) - 1;
    ticker ??= setInterval(tick, RESOLUTION_MS);
  }

  function unwatch(timed: Timed): void {
    const { place } = timed;
    if (place === -1) return;
    timed.place = -1;
    const last = watched.pop();
    if (!last || last === timed) return;
    watched[place] = last;
    last.place = place;
  }

  const due: DueTimes = { watch, unwatch, now: () => clock.elapsed() };
  return { arm: (ms, onDue) => new Armed(ms, onDue, due), ...due };
}

/** Two in one: a stream moves its deadline on with each chunk. */
class Armed implements Timed, Deadline {
  dueAt: number;
  place = -1;
  readonly onDue: () => void;
  readonly #times: DueTimes;

  constructor(ms: number, onDue: () => void, times: DueTimes) {
    this.onDue = onDue;
    this.#times = times;
    this.dueAt = times.now() + ms;
    times.watch(this);
  }

  rearm(ms: number): void {
    this.dueAt = this.#times.now() + ms;
    if (this.place === -1) this.#times.watch(this);
  }
  disarm(): void {
    this.#times.unwatch(this);
  }
}

/** Resolves after `ms`; rejects with `signal`'s reason as soon as it aborts. */
export function waitFor(ms: number, deadlines: Deadlines, signal: Stop): Promise<void> {
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
