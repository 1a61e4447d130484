// What the client is told when every target has failed.
import { GatewayError } from '../domain/errors.ts';
import type { Target } from '../providers/provider.ts';

export interface Failure {
  readonly target: Target;
  readonly error: GatewayError;
}

/**
 * One error for all failures, the last one of each target counting. A single target's own error is told as it is. Of
 * several that failed in the same way, the last. Otherwise `upstream_unavailable` with the reason of each, or, where
 * no retry can help, the last one's error.
 */
export function exhaustedError(failures: readonly Failure[]): GatewayError {
  const byTarget = new Map(failures.map((failure) => [failure.target, failure]));
  const last = failures.at(-1);
  if (!last) throw new TypeError('nothing has failed');
  const errors = [...byTarget.values()].map(({ error }) => error);
  if (errors.length === 1) return last.error;
  const retryable = errors.filter(({ entry }) => entry.retryable);
  const retryAfterMs = Math.min(...retryable.map((error) => error.retryAfterMs ?? 1_000));
  const told = [...byTarget.values()].map(({ target, error }) => reasonOf(target, error)).join(' ');
  const isSame = errors.every(({ code }) => code === last.error.code);
  if (isSame) {
    return last.error.with({
      message: `All ${errors.length} targets failed. ${told}`,
      ...(retryable.length > 0 ? { retryAfterMs } : {}),
    });
  }
  if (retryable.length === 0) {
    return errors.findLast(({ code }) => code === 'upstream_auth_failed') ?? last.error;
  }
  return new GatewayError('upstream_unavailable', {
    logged: `No target could answer; ${errors.length} were tried.`,
    message: `No target could answer; ${errors.length} were tried. ${told}`,
    retryAfterMs,
    cause: last.error,
  });
}

function reasonOf({ upstream, model }: Target, { code, message }: GatewayError): string {
  return `[${upstream}, ${model}: ${code}] ${message}`;
}
