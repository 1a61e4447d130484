// How many requests an upstream is given at once, so that a small engine is never flooded: so many run, so many wait,
// and what comes beyond that is told to come back. Whoever waits is served in order.
import type { Deadlines } from '../domain/deadlines.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Stop } from '../domain/stop.ts';

export interface SlotLimits {
  /** Requests that may run at once; null for any number. */
  readonly maxConcurrent: number | null;
  readonly maxQueued: number;
  /** How long a request may wait, in milliseconds. */
  readonly queueMs: number;
}

export interface Slots {
  /** Takes a slot if one is free. */
  take(): boolean;
  /** Takes a slot as soon as one is free. Rejects with `too_many_streams`, or with `signal`'s reason. */
  wait(signal: Stop): Promise<void>;
  /** Gives a slot back. */
  free(): void;
  running(): number;
  waiting(): number;
  /** New limits: whoever runs goes on, and whoever waits may have a slot now. */
  limit(limits: SlotLimits): void;
}

export interface SlotsOptions {
  readonly upstream: string;
  readonly limits: SlotLimits;
  readonly deadlines: Deadlines;
}

export function createSlots({ upstream, limits: given, deadlines }: SlotsOptions): Slots {
  let limits = given;
  let max = maxOf(given);
  const queue = new Set<() => void>();
  let running = 0;

  function tooMany(what: string): GatewayError {
    return new GatewayError('too_many_streams', {
      message: `The upstream "${upstream}" is busy: ${what}. Try again shortly.`,
      retryAfterMs: 1_000,
    });
  }

  return {
    take() {
      if (running >= max) return false;
      running++;
      return true;
    },
    wait(signal) {
      signal.throwIfAborted();
      if (running < max) {
        running++;
        return Promise.resolve();
      }
      if (queue.size >= limits.maxQueued)
        throw tooMany(`${running} requests run and ${queue.size} wait already`);
      return new Promise((resolve, reject) => {
        const leave = () => {
          queue.delete(enter);
          deadline.disarm();
          signal.removeEventListener('abort', onAbort);
        };
        // The slot passes from hand to hand: nobody can take it in between.
        const enter = () => {
          leave();
          resolve();
        };
        const onAbort = () => {
          leave();
          reject(signal.reason);
        };
        const deadline = deadlines.arm(limits.queueMs, () => {
          leave();
          reject(tooMany(`no slot became free within ${limits.queueMs} ms`));
        });
        queue.add(enter);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    free() {
      // With fewer slots than before, one that is given back may be one too many.
      if (queue.size === 0 || running > max) {
        running--;
        return;
      }
      const [next] = queue;
      next?.();
    },
    running: () => running,
    waiting: () => queue.size,
    limit(next) {
      limits = next;
      max = maxOf(next);
      for (const enter of queue) {
        if (running >= max) return;
        running++;
        enter();
      }
    },
  };
}

function maxOf({ maxConcurrent }: SlotLimits): number {
  return maxConcurrent ?? Number.POSITIVE_INFINITY;
}
