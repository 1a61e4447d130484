// From two counters that only grow to what people want to know: the share of hits, since the start and just now.
import { shareOf } from './metrics-text.ts';

export interface HitRatio {
  readonly overall: number | null;
  /** Since the call before; null at the first, and when there was nothing to find. */
  readonly recent: number | null;
}

export type TrackHits = (hits: number | null, lookups: number | null) => HitRatio;

export function trackHitRatio(): TrackHits {
  let before: { hits: number; lookups: number } | null = null;
  return (hits, lookups) => {
    if (hits === null || lookups === null) return { overall: null, recent: null };
    // Counters that have shrunk belong to an engine that was started anew: all of theirs is recent.
    const base = before && (lookups < before.lookups || hits < before.hits) ? ZERO : before;
    before = { hits, lookups };
    return {
      overall: ratio(hits, lookups),
      recent: base && ratio(hits - base.hits, lookups - base.lookups),
    };
  };
}

const ZERO = { hits: 0, lookups: 0 };

function ratio(hits: number, lookups: number): number | null {
  return lookups > 0 ? shareOf(hits / lookups) : null;
}
