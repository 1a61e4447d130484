// A token bucket per owner: `perSecond` refills it, `burst` is its size. Time is monotonic, so a jumping clock
// neither locks anybody out nor lets a flood in.
import type { Clock } from '../domain/clock.ts';

export interface RateDecision {
  readonly allowed: boolean;
  /** Size of the bucket. */
  readonly limit: number;
  /** Whole requests left. */
  readonly remaining: number;
  /** Milliseconds until the bucket is full again. */
  readonly resetMs: number;
  /** Milliseconds until the next request is allowed; 0 when it is now. */
  readonly retryAfterMs: number;
}

export interface RateLimit {
  /** Takes one request from the owner's bucket. */
  take(owner: string): RateDecision;
}

export interface RateLimitOptions {
  readonly perSecond: number;
  readonly burst: number;
  readonly clock: Pick<Clock, 'elapsed'>;
}

export function createRateLimit({ perSecond, burst, clock }: RateLimitOptions): RateLimit {
  // One bucket per valid token, so the map is as small as the list of tokens.
  const buckets = new Map<string, { tokens: number; filledAt: number }>();
  return {
    take(owner) {
      const now = clock.elapsed();
      let bucket = buckets.get(owner);
      if (!bucket) buckets.set(owner, (bucket = { tokens: burst, filledAt: now }));
      const refilled = Math.min(
        burst,
        bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond,
      );
      const allowed = refilled >= 1;
      const tokens = allowed ? refilled - 1 : refilled;
      bucket.tokens = tokens;
      bucket.filledAt = now;
      return {
        allowed,
        limit: burst,
        remaining: Math.floor(tokens),
        resetMs: Math.ceil(((burst - tokens) / perSecond) * 1000),
        retryAfterMs: allowed ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000),
      };
    },
  };
}
