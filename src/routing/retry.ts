// What may be done after a target has failed before anything of its answer was seen: ask it once more, ask the next
// one, or nothing, because the request itself is at fault and would fail everywhere.
import type { ErrorCode, GatewayError } from '../domain/errors.ts';
import { RETRY_BUDGET_PER_REQUEST, RETRY_BUDGET_SIZE } from '../domain/limits.ts';

export type Verdict = 'retry' | 'next' | 'final';

/** Statuses of an upstream's own refusal that another try may cure although they are a 4xx. */
const PASSING_REFUSALS: ReadonlySet<number> = new Set([408, 409, 425]);

/** What another try at the same target may cure. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['upstream_unavailable', 'upstream_rate_limited']);

const NEXT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  // Another try would cost as much time again, or is not known to help; somebody else may be better off.
  'upstream_timeout',
  'upstream_protocol_error',
  'upstream_interrupted',
  // The operator's fault at this target: no reason to refuse a client whom another can serve.
  'upstream_auth_failed',
  // This dialect cannot say it; another one may.
  'modality_not_supported',
  'too_many_streams',
]);

export function verdictOn({ code, status }: GatewayError): Verdict {
  if (PASSING.has(code)) return 'retry';
  if (NEXT.has(code)) return 'next';
  if (code !== 'upstream_rejected') return 'final';
  if (PASSING_REFUSALS.has(status)) return 'retry';
  // The target has not got what it is configured for.
  return status === 404 ? 'next' : 'final';
}

/** First pause before the same target is asked again, in milliseconds. */
const FIRST_PAUSE_MS = 100;

/**
 * How long to wait before the target is asked again (for the `tries`th time, from 1), in milliseconds: what the
 * upstream asked for, else a pause that grows and is spread, so that clients who failed together do not come back
 * together. null when the upstream wants more than `mostMs`: the client is told, who knows whether to wait.
 */
export function retryPause(
  error: GatewayError,
  { tries, mostMs, random }: { tries: number; mostMs: number; random: () => number },
): number | null {
  const asked = error.retryAfterMs;
  if (asked !== undefined) return asked <= mostMs ? asked : null;
  return Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1) * (1 + random()), mostMs);
}

export interface RetryBudget {
  /** Called once for each request: what retries are paid from. */
  earn(): void;
  /** Whether one more retry is paid for; it then is. */
  spend(): boolean;
}

/** Retries are at most a tenth of all requests, but for a few: else they would keep a struggling engine down. */
export function createRetryBudget(): RetryBudget {
  let tokens = RETRY_BUDGET_SIZE;
  return {
    earn() {
      tokens = Math.min(tokens + RETRY_BUDGET_PER_REQUEST, RETRY_BUDGET_SIZE);
    },
    spend() {
      if (tokens < 1) return false;
      tokens--;
      return true;
    },
  };
}
