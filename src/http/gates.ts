// What a request has to pass before its handler: it must be one that HTTP libraries cannot read in two ways, it must
// come from somebody known, and that somebody must not ask too often.
import type { Authenticate } from '../access/credentials.ts';
import type { RateDecision, RateLimit } from '../access/rate-limit.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Exchange } from './exchange.ts';
import type { ReplyHeaders } from './wire/reply.ts';
import type { RequestHeaders } from './wire/request-head.ts';

/** Header names that must not come twice: whoever forwards such a request may read the other one. */
const SINGLE = ['host', 'content-length', 'content-type', 'authorization', 'x-api-key'] as const;

/** Refuses a repetition of these: repeated headers are joined by a comma, and none of these may hold one. */
export function refuseAmbiguous(headers: RequestHeaders): void {
  for (const name of SINGLE) {
    if (headers.get(name)?.includes(','))
      throw ambiguous(`The header ${name} comes twice. Send it once.`, name);
  }
}

function ambiguous(message: string, param: string): GatewayError {
  return new GatewayError('invalid_field', { message, param, headers: { connection: 'close' } });
}

/** Finds out who asks and takes one request from their budget. */
export function identify(
  exchange: Exchange,
  authenticate: Authenticate,
  rateLimit: RateLimit,
): void {
  exchange.principal = authenticate(exchange.request.headers);
  exchange.rate = rateLimit.take(exchange.principal.owner);
  if (exchange.rate.allowed) return;
  throw new GatewayError('rate_limit_exceeded', {
    message: `More than ${exchange.rate.limit} requests in a burst. Wait ${exchange.rate.retryAfterMs} ms.`,
    retryAfterMs: exchange.rate.retryAfterMs,
  });
}

/** Headers by which a proxy tells that it asks for somebody else. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/**
 * Whether the request was made on this machine. The connection's address decides, which nobody can make up. Headers
 * can only speak against it: a proxy on this machine passes on what comes from anywhere.
 */
export function isMadeHere({ request }: Exchange): boolean {
  if (FORWARDED.some((name) => request.headers.has(name))) return false;
  return /^(?:::ffff:)?127\.|^::1$/.test(request.peerAddress);
}

/** The budget as OpenAI's SDKs read it. */
export function setRateHeaders(headers: ReplyHeaders, rate: RateDecision): void {
  headers.set('x-ratelimit-limit-requests', String(rate.limit));
  headers.set('x-ratelimit-remaining-requests', String(rate.remaining));
  headers.set('x-ratelimit-reset-requests', `${rate.resetMs}ms`);
}
