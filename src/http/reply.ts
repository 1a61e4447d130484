// The two forms of a successful chat reply, and the headers that every reply carries.
import { toGatewayError } from '../domain/errors.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import type { Target } from '../providers/provider.ts';
import { awaitOpening, EventStream, type EventSource, type Opening } from '../sse/event-stream.ts';
import { CLIENT_GONE, CLIENT_STALLED } from './client-gone.ts';
import type { Exchange } from './exchange.ts';
import { setRateHeaders } from './gates.ts';
import { errorEvent } from './refuse.ts';
import type { Reply, ReplyHeaders } from './wire/reply.ts';

/** Notes who is being asked, for the reply's headers and the log. */
export function noteAttempt({ record, clock }: Exchange, target: Target): void {
  record.askedAt ??= clock.elapsed();
  record.upstream = target.upstream;
  record.upstreamModel = target.model;
  record.attempts = (record.attempts ?? 0) + 1;
}

/** Notes whose reply was taken: not the last one asked, where two were asked at once. */
export function noteAnswer({ record }: Exchange, target: Target): void {
  record.upstream = target.upstream;
  record.upstreamModel = target.model;
}

export function jsonReply({ record, clock }: Exchange, json: string, headers: ReplyHeaders): Reply {
  record.answeredAt = clock.elapsed();
  headers.set('content-type', 'application/json');
  return { status: 200, headers, body: json };
}

export interface StreamedReply {
  readonly source: EventSource;
  readonly headers: ReplyHeaders;
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** A failure before the first event is an event too, not an HTTP error: the stream is that of a failed turn. */
  readonly opensWithError?: boolean;
  /** Instead of the usual error event. */
  renderError?(error: unknown): string;
}

/** Rejects with what the source throws before its first event, so that it becomes a plain HTTP error. */
export async function streamReply(exchange: Exchange, reply: StreamedReply): Promise<Reply> {
  const { source, headers, deadlines, heartbeatMs, stallMs } = reply;
  // Nobody will hear the events.
  if (exchange.request.method === 'HEAD')
    return { status: 200, headers: eventHeaders(headers), body: null };
  const opening = reply.opensWithError
    ? { silent: true as const, first: source.next() }
    : await awaitOpening(source, { deadlines, heartbeatMs });
  noteFirstByte(exchange, opening);
  exchange.heldOpen = true;
  const body = new EventStream(opening, source, {
    deadlines,
    heartbeatMs,
    stallMs,
    renderError:
      reply.renderError ?? ((error) => errorEvent(toGatewayError(error), exchange.requestId)),
    onEnd: (error) => exchange.finish(error),
    onCancel: () => exchange.abort(CLIENT_GONE),
    onStall: () => exchange.abort(CLIENT_STALLED),
  });
  return { status: 200, headers: eventHeaders(headers), body };
}

function eventHeaders(headers: ReplyHeaders): ReplyHeaders {
  headers.set('content-type', 'text/event-stream');
  headers.set('cache-control', 'no-cache, no-transform');
  // nginx would otherwise hold tokens back until its buffer is full.
  headers.set('x-accel-buffering', 'no');
  return headers;
}

/** A ping is no answer: of a silent upstream it is not known yet when the headers go out. */
function noteFirstByte({ record, clock }: Exchange, opening: Opening): void {
  const note = () => (record.answeredAt = clock.elapsed());
  if (!opening.silent) note();
  // A failure is told by the stream itself, and is no answer either.
  else opening.first.then(note, () => undefined);
}

/** Request id, rate budget, who answered and how long it took. */
export function setCommonHeaders(headers: ReplyHeaders, exchange: Exchange): void {
  const { record, rate, requestId } = exchange;
  headers.set('x-request-id', requestId);
  if (rate) setRateHeaders(headers, rate);
  if (record.upstream === undefined) return;
  headers.set('x-gateway-upstream', record.upstream);
  headers.set('x-gateway-attempts', String(record.attempts));
  headers.set('server-timing', serverTiming(exchange));
}

function serverTiming({ record, clock }: Exchange): string {
  const { startedAt, askedAt, answeredAt, stream } = record;
  if (askedAt === undefined)
    return stream ? '' : `total;dur=${tenths(clock.elapsed() - startedAt)}`;
  let text = `queue;dur=${tenths(askedAt - startedAt)}`;
  if (answeredAt !== undefined) text += `, upstream;dur=${tenths(answeredAt - askedAt)}`;
  return stream ? text : `${text}, total;dur=${tenths(clock.elapsed() - startedAt)}`;
}

/** As `toFixed(1)` rounds, at a fifth of its cost. */
function tenths(ms: number): string {
  const all = Math.round(ms * 10);
  return `${Math.trunc(all / 10)}.${all % 10}`;
}
