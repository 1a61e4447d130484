// The only renderer of errors: a GatewayError as a JSON reply, or as the last event of a stream. Anything else is an
// `internal_error`, whose details are for the log alone.
import type { GatewayError } from '../domain/errors.ts';
import { MAX_RETRY_AFTER_MS } from '../domain/limits.ts';
import { dataEvent } from '../sse/encode.ts';
import { ReplyHeaders, type Reply } from './wire/reply.ts';

const DEFAULT_RETRY_AFTER_MS = 1_000;

/** The reply for an error that comes before the first byte. */
export function errorReply(error: GatewayError, requestId: string): Reply {
  return {
    status: error.status,
    headers: errorHeaders(error),
    body: `${error.envelope(requestId)}\n`,
  };
}

/** The event for an error in mid-stream; the stream ends after it, without finish_reason and without [DONE]. */
export function errorEvent(error: GatewayError, requestId: string): string {
  return dataEvent(error.envelope(requestId));
}

function errorHeaders(error: GatewayError): ReplyHeaders {
  const headers = new ReplyHeaders({
    'content-type': 'application/json',
    'cache-control': 'no-store',
  });
  if (error.entry.retryable) {
    const ms = Math.min(error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS, MAX_RETRY_AFTER_MS);
    headers.set('retry-after', String(Math.max(1, Math.ceil(ms / 1000))));
    headers.set('retry-after-ms', String(Math.max(1, Math.ceil(ms))));
  } else {
    headers.set('x-should-retry', 'false');
  }
  if (error.status === 401) headers.set('www-authenticate', 'Bearer');
  for (const [name, value] of Object.entries(error.headers)) headers.set(name, value);
  return headers;
}
