// Deadlines without a timer per request: one interval, running only while something is armed, looks at all of them.
// Re-arming is one assignment, so that an idle limit can be moved on with every chunk of a stream at no cost.
import type { Clock } from './clock.ts';

/** How late a deadline may fire, in milliseconds. */
const RESOLUTION_MS = 50;

export interface Deadline {
  /** Fires `ms` from now instead; also arms a deadline that has fired or was disarmed. */
  rearm(ms: number): void;
  disarm(): void;
}

export interface Deadlines {
  /** Calls `onDue` once, up to 50 ms after `ms` have passed, unless disarmed or re-armed before. */
  arm(ms: number, onDue: () => void): Deadline;
}

interface Entry {
  dueAt: number;
  readonly onDue: () => void;
}

export function createDeadlines(clock: Pick<Clock, 'elapsed'>): Deadlines {
  const armed = new Set<Entry>();
  let ticker: ReturnType<typeof setInterval> | undefined;

  function tick(): void {
    const now = clock.elapsed();
    for (const entry of armed) {
      if (entry.dueAt > now) continue;
      armed.delete(entry);
      entry.onDue();
    }
    if (armed.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
  }

  function add(entry: Entry): void {
    armed.add(entry);
    ticker ??= setInterval(tick, RESOLUTION_MS);
  }

  return {
    arm(ms, onDue) {
      const entry = { dueAt: clock.elapsed() + ms, onDue };
      add(entry);
      return {
        rearm(again) {
          entry.dueAt = clock.elapsed() + again;
          add(entry);
        },
        disarm() {
          armed.delete(entry);
        },
      };
    },
  };
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
