// Spans as OTLP has them in JSON (opentelemetry-proto 1.x): ids as hex digits, nanoseconds and integers as text.
import type { Attributes, AttributeValue, Span } from './span.ts';

export interface Resource {
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Tells gateways apart that have one name. */
  readonly instanceId: string;
}

const KINDS = { internal: 1, server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
/** Bits 8 and 9 of a span's flags: it is known whether the parent is elsewhere, and it is. */
const PARENT_IS_REMOTE = 0x300;
const PARENT_IS_HERE = 0x100;

/** One request to the collector; `epochOf` makes Unix milliseconds of monotonic ones. */
export function otlpRequest(
  spans: readonly Span[],
  resource: Resource,
  epochOf: (elapsed: number) => number,
): string {
  const nanos = (elapsed: number) => `${Math.round(epochOf(elapsed) * 1_000)}000`;
  const { serviceName, serviceVersion, instanceId } = resource;
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: keyValues({
            'service.name': serviceName,
            'service.version': serviceVersion,
            'service.instance.id': instanceId,
          }),
        },
        scopeSpans: [
          {
            scope: { name: 'dgx-chat-gateway', version: serviceVersion },
            spans: spans.map((span) => otlpSpan(span, nanos)),
          },
        ],
      },
    ],
  });
}

function otlpSpan(span: Span, nanos: (elapsed: number) => string) {
  const { trace, kind, name, startedAt, endedAt, attributes, events = [], link, failed } = span;
  const { traceId, spanId, parentId, state } = trace;
  return {
    traceId,
    spanId,
    ...(state !== null && { traceState: state }),
    ...(parentId !== null && { parentSpanId: parentId }),
    flags: (kind === 'server' && parentId !== null ? PARENT_IS_REMOTE : PARENT_IS_HERE) | 1,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanos(startedAt),
    endTimeUnixNano: nanos(endedAt),
    attributes: keyValues(attributes),
    events: events.map(({ name: what, at }) => ({ timeUnixNano: nanos(at), name: what })),
    links: link ? [{ traceId: link.traceId, spanId: link.spanId }] : [],
    // OpenTelemetry wants an end that is no failure left unset.
    status: failed ? { code: STATUS_ERROR } : {},
  };
}

function keyValues(attributes: Attributes) {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { intValue: String(Math.round(value)) };
  if ('double' in value) return { doubleValue: value.double };
  return { arrayValue: { values: value.map((item) => ({ stringValue: item })) } };
}
