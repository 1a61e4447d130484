// A collector of traces on a real socket: keeps what it is sent, and answers as a test says.

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number };
  /** By key, as plain values; integers as numbers. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface FakeCollector {
  readonly url: string;
  /** The requests so far, as text. */
  readonly bodies: string[];
  readonly requests: Request[];
  /** Answers each request from now on. */
  answer: (request: Request) => Response | Promise<Response>;
  /** All spans so far, whatever was answered. */
  spans(): CollectedSpan[];
  /** Resolves once so many requests have come. */
  asked(count: number): Promise<void>;
  /** Resolves with the first span for which `is` holds, also one that came before. */
  span(is: (span: CollectedSpan) => boolean): Promise<CollectedSpan>;
  close(): Promise<void>;
}

const OK = () => Response.json({ partialSuccess: {} });

export function startFakeCollector(port = 0): FakeCollector {
  const bodies: string[] = [];
  const requests: Request[] = [];
  const waiting = new Set<() => void>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port,
    idleTimeout: 0,
    async fetch(request) {
      requests.push(request);
      bodies.push(await request.text());
      for (const look of waiting) look();
      return await collector.answer(request);
    },
  });
  const until = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const collector: FakeCollector = {
    url: `http://127.0.0.1:${server.port}`,
    bodies,
    requests,
    answer: OK,
    spans: () => bodies.flatMap(spansIn),
    async asked(count) {
      await until(() => (bodies.length >= count ? true : undefined));
    },
    span: (is) => until(() => collector.spans().find(is)),
    close: () => server.stop(true),
  };
  return collector;
}

interface SentValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly SentValue[] };
}
type SentSpan = Omit<CollectedSpan, 'values'> & {
  readonly attributes: readonly { readonly key: string; readonly value: SentValue }[];
};

function spansIn(body: string): CollectedSpan[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
  };
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans: s }) => s));
  return spans.map(({ attributes, ...span }) => ({
    ...span,
    values: Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)])),
  }));
}

function plain(value: SentValue): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue) return value.arrayValue.values.map(plain);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
