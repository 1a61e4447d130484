// Where a piece of work stands in a trace, as W3C Trace Context carries it from one server to the next. Only where
// traces are configured does anything have one.
import { randomBytes } from 'node:crypto';
import { MAX_TRACE_STATE_CHARS } from './limits.ts';

export interface TraceContext {
  /** 32 hex digits, the same for all work that one request of a client leads to. */
  readonly traceId: string;
  /** 16 hex digits: this piece of work. */
  readonly spanId: string;
  /** The piece of work that it belongs to; null at the root. */
  readonly parentId: string | null;
  /** Whether it is recorded; who began the trace decides for all. */
  readonly sampled: boolean;
  /** What vendors along the way have added, passed on as it came. */
  readonly state: string | null;
}

/** The work that a request begins: a part of the client's trace where it names one, else a trace of its own. */
export function traceOf(
  headers: Pick<Headers, 'get'>,
  isSampled: (traceId: string) => boolean,
): TraceContext {
  const client = parseTraceparent(headers.get('traceparent'));
  const spanId = newSpanId();
  if (client) return { ...client, spanId, state: sane(headers.get('tracestate')) };
  const traceId = randomBytes(16).toString('hex');
  return { traceId, spanId, parentId: null, sampled: isSampled(traceId), state: null };
}

export function childOf(parent: TraceContext): TraceContext {
  return { ...parent, spanId: newSpanId(), parentId: parent.spanId };
}

/** The headers by which a server that is asked learns whose work it does. */
export function traceHeaders({ traceId, spanId, sampled, state }: TraceContext) {
  const traceparent = `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
  return state === null ? { traceparent } : { traceparent, tracestate: state };
}

/** Versions to come may add fields after the four that are known; version ff and ids of zeros are invalid. */
function parseTraceparent(header: string | null) {
  if (header === null) return null;
  const [, version, traceId, parentId, flags, more] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header.trim()) ?? [];
  if (traceId === undefined || parentId === undefined || version === 'ff') return null;
  if (version === '00' && more !== undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return null;
  return { traceId, parentId, sampled: (Number.parseInt(flags ?? '0', 16) & 1) === 1 };
}

/** Text that a header can carry, or nothing: a state that is too long may be left out, not cut. */
function sane(state: string | null): string | null {
  if (state === null || state.length > MAX_TRACE_STATE_CHARS) return null;
  return /^[\x20-\x7e]+$/.test(state) ? state : null;
}

function newSpanId(): string {
  return randomBytes(8).toString('hex');
}
