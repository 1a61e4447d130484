// How late the event loop is. One timer in the background measures it on the monotonic clock; a request only compares
// a number. What counts is the standing lag: the least of the last few, since one long task makes everybody wait once,
// and only a loop with more to do than it can is late each time.
import type { Clock } from '../domain/clock.ts';
import { BLOCKED_LOOP_MS, LAG_PERIOD_MS, LAG_SAMPLES } from '../domain/limits.ts';

export interface LagMeter {
  /** To be called every LAG_PERIOD_MS. */
  tick(): void;
  /** Milliseconds by which each of the last ticks was late at least. */
  standing(): number;
}

export interface LagOptions {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Told when nothing ran for longer than BLOCKED_LOOP_MS. */
  onBlocked(ms: number): void;
}

export function createLagMeter({ clock, onBlocked }: LagOptions): LagMeter {
  const samples = new Float64Array(LAG_SAMPLES);
  let next = 0;
  let standing = 0;
  let tickedAt = clock.elapsed();
  return {
    tick() {
      const now = clock.elapsed();
      const lag = Math.max(0, now - tickedAt - LAG_PERIOD_MS);
      tickedAt = now;
      samples[next] = lag;
      next = (next + 1) % LAG_SAMPLES;
      standing = Math.min(...samples);
      if (lag > BLOCKED_LOOP_MS) onBlocked(lag);
    },
    standing: () => standing,
  };
}

/** Measures until closed. */
export function watchLag(options: LagOptions): Pick<LagMeter, 'standing'> & { close(): void } {
  const { tick, standing } = createLagMeter(options);
  const timer = setInterval(tick, LAG_PERIOD_MS);
  timer.unref();
  return { standing, close: () => clearInterval(timer) };
}
