// Upstream faults before the answer has begun: a plain HTTP error on both APIs, stream or not.
import { replySse, type UpstreamScript } from '../harness/fake-upstream.ts';
import { asksForStream, closing, everywhere, fails, head, type FaultRow } from './row.ts';

const unavailable = everywhere(fails(503, 'upstream_unavailable', { attempts: 2 }));
const PAGE = '<!doctype html><html><body>Bad gateway at 10.0.0.7</body></html>';
const NEVER_A_PAGE = /<html|10\.0\.0\.7/;

const refuses =
  (status: number, error: object, headers: Record<string, string> = {}): UpstreamScript =>
  (call) =>
    closing(call, { error }, { status, headers });

const UNREACHABLE: readonly FaultRow[] = [
  { id: 'U1', does: 'refuses connections', alias: 'refused', views: unavailable },
  { id: 'U1', does: 'has a name that nobody knows', alias: 'nameless', views: unavailable },
  { id: 'U1', does: 'does not speak TLS', alias: 'without-tls', views: unavailable },
  {
    id: 'U2',
    does: 'accepts connections and says nothing',
    fault: 'swallows',
    timeouts: 'first_byte_ms: 100',
    views: everywhere(fails(504, 'upstream_timeout', { retryAfter: '1' })),
    circuit: 'open',
  },
  {
    id: 'U3',
    does: 'sends a head and then nothing',
    timeouts: 'idle_ms: 100',
    script: (call) => call.send(head(call, 'connection: close')),
    views: everywhere(fails(504, 'upstream_timeout')),
    circuit: 'open',
  },
  { id: 'U7', does: 'resets before the first byte', fault: 'resets', views: unavailable },
  {
    id: 'U7',
    does: 'closes before the first byte',
    script: (call) => call.end(),
    views: unavailable,
  },
  {
    id: 'U7',
    does: 'closes after its head, with its chunks unfinished',
    async script(call) {
      await call.send(head(call, 'transfer-encoding: chunked'));
      call.end();
    },
    views: everywhere(fails(502, 'upstream_interrupted')),
  },
];

const REFUSING: readonly FaultRow[] = [
  {
    id: 'U10',
    does: 'is rate limiting for an hour',
    script: refuses(429, { message: 'later' }, { 'retry-after': '3600' }),
    views: everywhere(fails(429, 'upstream_rate_limited', { retryAfter: '60' })),
    circuit: 'open',
  },
  {
    id: 'U10',
    does: 'is rate limiting and does not say for how long',
    script: refuses(429, { message: 'later' }),
    views: everywhere(fails(429, 'upstream_rate_limited', { attempts: 2, retryAfter: '1' })),
    circuit: 'open',
  },
  ...[401, 402, 403].map((status): FaultRow => ({
    id: 'U11',
    does: `refuses our key with ${status}`,
    script: refuses(status, { message: 'Incorrect API key: sk-proj-1234' }),
    views: everywhere(fails(502, 'upstream_auth_failed')),
    never: /sk-proj|Incorrect/,
    alerts: '"level":50',
    circuit: 'open',
  })),
  ...[400, 404, 413, 422].map((status): FaultRow => ({
    id: 'U12',
    does: `refuses the request with ${status}`,
    script: refuses(status, { message: 'bad \u001b[31m\r\nx: y' }),
    views: everywhere(fails(status, 'upstream_rejected')),
    // oxlint-disable-next-line no-control-regex -- it is what must not be there
    never: /\u001b|\\u001b|\r\nx: y/,
    circuit: 'closed',
  })),
  {
    id: 'U12',
    does: 'finds the prompt too long',
    script: refuses(400, { message: 'no', code: 'context_length_exceeded' }),
    views: everywhere(fails(400, 'context_length_exceeded')),
    circuit: 'closed',
  },
];

const FAILING: readonly FaultRow[] = [
  {
    id: 'U13',
    does: 'fails with 500 and an error',
    script: refuses(500, { message: 'CUDA' }),
    views: unavailable,
  },
  {
    id: 'U13',
    does: 'fails with 502 and a page',
    script: (call) =>
      closing(call, PAGE, { status: 502, headers: { 'content-type': 'text/html' } }),
    views: unavailable,
    never: NEVER_A_PAGE,
  },
  {
    id: 'U13',
    does: 'fails with 503 and no body',
    script: (call) => closing(call, '', { status: 503 }),
    views: unavailable,
  },
  {
    id: 'U13',
    does: 'sends a page with status 200',
    script: (call) => closing(call, PAGE, { headers: { 'content-type': 'text/html' } }),
    views: everywhere(fails(502, 'upstream_protocol_error')),
    never: NEVER_A_PAGE,
  },
  {
    id: 'U13',
    does: 'sends an empty body with status 200',
    script: (call) => closing(call, ''),
    views: everywhere(fails(502, 'upstream_protocol_error')),
  },
  ...[301, 302, 303, 307, 308].map((status): FaultRow => ({
    id: 'U20',
    does: `redirects with ${status}`,
    script: (call) =>
      closing(call, '', {
        status,
        headers: { location: `http://${call.headers.get('host')}/v1/chat/completions` },
      }),
    views: everywhere(fails(502, 'upstream_protocol_error')),
  })),
];

/** A stream of this one event, or of nothing; a whole reply of this JSON. */
const sends =
  (event: string | object | null, whole: string | object): UpstreamScript =>
  (call) =>
    asksForStream(call) ? replySse(call, event === null ? [] : [event]) : closing(call, whole);

const interrupted = fails(502, 'upstream_interrupted');
const protocolError = fails(502, 'upstream_protocol_error');

const SAYING_NOTHING: readonly FaultRow[] = [
  {
    id: 'U5',
    does: 'says nothing but [DONE], or gives no choices',
    script: sends('[DONE]', '{"choices":[]}'),
    views: { ...everywhere(interrupted), '/v1 whole': protocolError },
  },
  {
    id: 'U5',
    does: 'ends its stream without an event, or its reply in the middle',
    script: sends(null, '{"choices":['),
    views: { ...everywhere(interrupted), '/v1 whole': protocolError },
  },
  {
    id: 'U8',
    does: 'sends malformed JSON where its answer should begin',
    script: sends('{"choices":', '{"choices":'),
    views: everywhere(protocolError),
  },
  {
    id: 'U9',
    does: 'sends an error where its answer should begin',
    script: sends({ error: { message: 'out of memory' } }, { error: { message: 'out of memory' } }),
    views: everywhere(interrupted),
  },
];

export const BEFORE_ANSWER = [...UNREACHABLE, ...REFUSING, ...FAILING, ...SAYING_NOTHING];
