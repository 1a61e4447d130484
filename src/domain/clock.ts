// Time as a dependency: `now` for timestamps that people read, `elapsed` for durations and limits, which must not
// move when the wall clock jumps.

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds on a monotonic clock with an arbitrary origin. */
  elapsed(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
};
