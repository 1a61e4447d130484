// Traces by OpenTelemetry, loaded only where they are configured: what a request, a turn and a call to an upstream
// come to as spans, by the conventions for HTTP and for generative AI. No content, no credentials, no client's words.
import { newId } from '../domain/ids.ts';
import type { Clock } from '../domain/clock.ts';
import { traceOf, type TraceContext } from '../domain/trace-context.ts';
import { sendTo, type Collector } from './collector.ts';
import { otlpRequest } from './otlp.ts';
import type { FinishedCall } from './call-record.ts';
import type { RequestRecord } from './request-record.ts';
import { createSpanQueue, type SpanQueueOptions } from './span-queue.ts';
import { callAttributes, methodOf, requestAttributes, turnAttributes } from './span-attributes.ts';
import type { FinishedTurn } from './turn-record.ts';

export interface Traces {
  traceOf(headers: Pick<Headers, 'get'>): TraceContext;
  requestFinished(record: RequestRecord): void;
  turnFinished(turn: FinishedTurn): void;
  callFinished(call: FinishedCall): void;
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>;
}

export interface TracesOptions extends Omit<SpanQueueOptions, 'send'> {
  readonly collector: Collector;
  /** 0 to 1: of the traces that begin here, those that are recorded. */
  readonly sampleRatio: number;
  readonly serviceName: string;
  readonly version: string;
  /** Whether an alias is known: any other name is a client's words. */
  isServed(alias: string): boolean;
  readonly clock: Clock;
}

/** What asks for these wants to know how the gateway is, and asks all day. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);
/** Beyond this the wall clock was set, not adjusted. */
const CLOCK_JUMP_MS = 1_000;

export function createTraces(options: TracesOptions): Traces {
  const { collector, clock, serviceName, version, sampleRatio } = options;
  const resource = { serviceName, serviceVersion: version, instanceId: newId('inst') };
  const epochOf = epochClock(clock);
  const queue = createSpanQueue({
    ...options,
    send: (spans, signal) => sendTo(collector, otlpRequest(spans, resource, epochOf()), signal),
  });
  const isSampled = (traceId: string) => isInShare(traceId, sampleRatio);

  return {
    traceOf: (headers) => traceOf(headers, isSampled),
    requestFinished(record) {
      const { trace, route, startedAt, linkedTo } = record;
      if (!trace?.sampled || (route !== undefined && UNTRACED.has(route))) return;
      const { status, errorCode } = record;
      queue.add({
        trace,
        kind: 'server',
        name: route === undefined ? methodOf(record) : `${methodOf(record)} ${route}`,
        startedAt,
        endedAt: clock.elapsed(),
        attributes: requestAttributes(record, options.isServed),
        link: linkedTo,
        // What a client did wrong is no failure of ours; a stream that failed had its 200 out already.
        failed: status >= 500 || (errorCode !== undefined && status < 400),
      });
    },
    turnFinished(turn) {
      const { trace, alias, durationMs, status } = turn;
      if (!trace?.sampled) return;
      const endedAt = clock.elapsed();
      queue.add({
        trace,
        kind: 'internal',
        name: `turn ${alias}`,
        startedAt: endedAt - Math.max(0, durationMs),
        endedAt,
        attributes: turnAttributes(turn),
        failed: status === 'failed',
      });
    },
    callFinished(call) {
      const { trace, target, startedAt, firstTokenAt, error } = call;
      queue.add({
        trace,
        kind: 'client',
        name: `chat ${target.model}`,
        startedAt,
        endedAt: clock.elapsed(),
        attributes: callAttributes(call),
        events: firstTokenAt === null ? [] : [{ name: 'first_token', at: firstTokenAt }],
        failed: error !== null && error !== 'cancelled',
      });
    },
    close: () => queue.close(),
  };
}

/** Whether a trace is among the recorded ones: by its id alone, so that all who see it decide alike. */
function isInShare(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-12), 16) < ratio * 2 ** 48;
}

/** Unix milliseconds of monotonic ones: one offset for all, so that spans fit into each other, until the clock is set. */
function epochClock({ now, elapsed }: Clock): () => (at: number) => number {
  let offset = now() - elapsed();
  return () => {
    const current = now() - elapsed();
    if (Math.abs(current - offset) > CLOCK_JUMP_MS) offset = current;
    const fixed = offset;
    return (at) => fixed + at;
  };
}
