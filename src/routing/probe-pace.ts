// When an upstream is probed next.
import { MIN_HOSTED_PROBE_MS } from '../domain/limits.ts';

export interface Pace {
  readonly intervalMs: number;
  readonly hosted: boolean;
  readonly healthy: boolean | null;
  /** Whether its last answer was late, or its last connection dropped, for the first time. */
  readonly suspected: boolean;
}

/** A suspicion is settled soon, by a second look. */
const SECOND_LOOK_MS = 1_000;

/**
 * Milliseconds, a tenth more or less by `random` (0 to 1), so that upstreams that were probed at once, as all are at
 * the start, drift apart.
 */
export function nextProbeIn(
  { intervalMs, hosted, healthy, suspected }: Pace,
  random: number,
): number {
  if (suspected) return Math.min(intervalMs, SECOND_LOOK_MS);
  const pace = hosted && healthy === true ? Math.max(intervalMs, MIN_HOSTED_PROBE_MS) : intervalMs;
  return pace * (0.9 + 0.2 * random);
}

/** After the first probe, or without one: anywhere in the second half of the interval. */
export function firstProbeIn(intervalMs: number, random: number): number {
  return intervalMs * (0.5 + 0.5 * random);
}
