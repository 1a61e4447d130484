// Traces: what a collector is sent of requests, turns and calls, what upstreams are told, and that nothing secret or
// said is in it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chat, holdCalls, idsOf, said } from './harness/c1.ts';
import {
  startFakeCollector,
  type CollectedSpan,
  type FakeCollector,
} from './harness/fake-collector.ts';
import {
  beginSse,
  chunk,
  completion,
  configFor,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let collector: FakeCollector;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(async () => {
  collector = startFakeCollector();
  upstream.script = (call) => replySse(call, streamOf(['ok']));
  gateway = await startGateway(configFor(upstream, tracing()));
});
afterEach(async () => {
  await gateway.close();
  await collector.close();
});
afterAll(async () => {
  await upstream.close();
});

const tracing = (more = '') =>
  `traces: { endpoint: "${collector.url}", headers: { x-collector-key: collector-secret }${more} }`;
const body = { model: 'test-model', messages: [{ role: 'user', content: 'a secret question' }] };
const CHAT = '/v1/chat/completions';
const [SERVER, CLIENT, INTERNAL] = [2, 3, 1];
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const traceparent = `00-${TRACE}-${PARENT}-01`;

/** Ends the gateway, which sends what is left, and returns all spans. */
async function ended(): Promise<CollectedSpan[]> {
  await gateway.gateway.close();
  return collector.spans();
}
const named = (spans: readonly CollectedSpan[], name: string): CollectedSpan => {
  const span = spans.find((each) => each.name === name);
  if (!span) throw new Error(`no span ${name} among ${spans.map((each) => each.name).join(', ')}`);
  return span;
};

describe('a request to /v1', () => {
  test('is a server span, its call to the upstream a client span below it, by the conventions', async () => {
    const response = await gateway.request(CHAT, { body: { ...body, stream: true } });
    const requestId = response.headers.get('x-request-id');
    await response.text();
    const spans = await ended();
    const server = named(spans, 'POST /v1/chat/completions');
    const client = named(spans, 'chat fake-model');
    expect(server).toMatchObject({ kind: SERVER, status: {}, links: [] });
    expect(server.parentSpanId).toBeUndefined();
    expect(server.values).toEqual({
      'http.request.method': 'POST',
      'http.route': CHAT,
      'url.scheme': 'http',
      'url.path': CHAT,
      'http.response.status_code': 200,
      'gateway.request.id': requestId,
      'gateway.alias': 'test-model',
      'gateway.upstream': 'fake',
      'gateway.attempts': 1,
      'gateway.stream': true,
    });
    expect(client).toMatchObject({
      kind: CLIENT,
      traceId: server.traceId,
      parentSpanId: server.spanId,
      status: {},
    });
    const { 'gen_ai.response.time_to_first_chunk': first, ...values } = client.values;
    expect(first).toBeGreaterThan(0);
    expect(values).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'fake-model',
      'gen_ai.request.stream': true,
      'gen_ai.response.id': 'chatcmpl-fake',
      'gen_ai.response.model': 'fake-model',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 1,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(upstream.url).port),
      'gateway.upstream': 'fake',
    });
    const token = client.events.find(({ name }) => name === 'first_token');
    const at = (nanos: string | undefined) => BigInt(nanos ?? 0);
    expect(at(server.startTimeUnixNano)).toBeLessThanOrEqual(at(client.startTimeUnixNano));
    expect(at(client.startTimeUnixNano)).toBeLessThan(at(token?.timeUnixNano));
    expect(at(token?.timeUnixNano)).toBeLessThanOrEqual(at(client.endTimeUnixNano));
    expect(at(client.endTimeUnixNano)).toBeLessThanOrEqual(at(server.endTimeUnixNano));
  });

  test('goes on with the trace that the client is in, and the upstream is told of it', async () => {
    const headers = { traceparent, tracestate: 'vendor=1' };
    upstream.script = (call) => replyJson(call, completion('ok'));
    await (await gateway.request(CHAT, { body, headers })).text();
    const spans = await ended();
    const [server, client] = [named(spans, `POST ${CHAT}`), named(spans, 'chat fake-model')];
    expect(server).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, traceState: 'vendor=1' });
    const told = upstream.calls.at(-1)?.headers;
    expect(told?.get('traceparent')).toBe(`00-${TRACE}-${client.spanId}-01`);
    expect(told?.get('tracestate')).toBe('vendor=1');
  });

  test.each([
    'no traceparent',
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    `${traceparent}, ${traceparent}`,
  ])('begins a trace of its own where the client sends nonsense: %s', async (header) => {
    await (await gateway.request(CHAT, { body, headers: { traceparent: header } })).text();
    const server = named(await ended(), `POST ${CHAT}`);
    expect(server.traceId).not.toBe(TRACE);
    expect(server.parentSpanId).toBeUndefined();
  });

  test('is not recorded where the client says so, and the upstream is told that as well', async () => {
    const headers = { traceparent: `00-${TRACE}-${PARENT}-00` };
    await (await gateway.request(CHAT, { body, headers })).text();
    expect(await ended()).toEqual([]);
    const told = upstream.calls.at(-1)?.headers.get('traceparent');
    expect(told).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  });

  test('says what failed: each attempt, and the request', async () => {
    upstream.script = (call) =>
      replyJson(call, { error: { message: 'a secret question is bad' } }, { status: 500 });
    await gateway.request(CHAT, { body });
    const spans = await ended();
    const attempts = spans.filter(({ kind }) => kind === CLIENT);
    expect(attempts.length).toBeGreaterThan(0);
    for (const { status, values } of attempts) {
      expect(status).toEqual({ code: 2 });
      expect(values['error.type']).toBe('upstream_unavailable');
    }
    const server = named(spans, `POST ${CHAT}`);
    expect(server.status).toEqual({ code: 2 });
    expect(server.values['http.response.status_code']).toBe(503);
    expect(server.values['error.type']).toBe('upstream_unavailable');
  });

  test('shows a failover: the target that failed, and the one that answered', async () => {
    const broken = await startFakeUpstream((call) => call.reset());
    const own = await startGateway(`
catalogue: replace
upstreams:
  broken: { kind: vllm, base_url: ${broken.url} }
  fake: { kind: openai, base_url: ${upstream.url} }
models:
  test-model:
    targets: [{ upstream: broken, model: first }, { upstream: fake, model: second }]
${tracing()}`);
    await (await own.request(CHAT, { body: { ...body, stream: true } })).text();
    await own.close();
    await broken.close();
    const spans = collector.spans();
    const server = named(spans, `POST ${CHAT}`);
    const [first, second] = [named(spans, 'chat first'), named(spans, 'chat second')];
    expect(first.status).toEqual({ code: 2 });
    expect(first.values['error.type']).toBe('upstream_unavailable');
    expect(first.values['gen_ai.provider.name']).toBe('vllm');
    expect(second.status).toEqual({});
    for (const { parentSpanId } of [first, second]) expect(parentSpanId).toBe(server.spanId);
    expect(server.status).toEqual({});
    expect(server.values).toMatchObject({ 'gateway.upstream': 'fake', 'gateway.attempts': 2 });
  });

  test('is no failure of ours where the client is at fault', async () => {
    await gateway.request(CHAT, { body: { ...body, messages: [] } });
    const server = named(await ended(), `POST ${CHAT}`);
    expect(server.status).toEqual({});
    expect(server.values['http.response.status_code']).toBe(400);
    expect(server.values['error.type']).toBe('invalid_field');
  });

  test('whose client leaves ends its call as cancelled', async () => {
    const asked = holdCalls(upstream);
    const leaving = new AbortController();
    const gone = gateway
      .request(CHAT, { body: { ...body, stream: true }, signal: leaving.signal })
      .catch(() => 'gone');
    await asked;
    leaving.abort();
    await gone;
    await gateway.logged('client gone');
    const spans = await ended();
    expect(named(spans, 'chat fake-model').values['error.type']).toBe('cancelled');
    expect(named(spans, 'chat fake-model').status).toEqual({});
    expect(named(spans, `POST ${CHAT}`).values['http.response.status_code']).toBe(499);
  });
});

describe('a turn of /c1', () => {
  test('is a span between its request and its call, and outlives the request', async () => {
    const asked = holdCalls(upstream);
    const leaving = new AbortController();
    const gone = chat(gateway, { message: 'hi' }, { signal: leaving.signal }).catch(() => 'gone');
    const call = await asked;
    leaving.abort();
    await gone;
    await gateway.logged('client gone');
    await replySse(call, streamOf(['ok']));
    await gateway.logged('turn finished');
    const spans = await ended();
    const server = named(spans, 'POST /c1/chat');
    const turn = named(spans, 'turn test-model');
    const client = named(spans, 'chat fake-model');
    expect(turn).toMatchObject({ kind: INTERNAL, parentSpanId: server.spanId, status: {} });
    expect(client.parentSpanId).toBe(turn.spanId);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(BigInt(turn.endTimeUnixNano)).toBeGreaterThan(BigInt(server.endTimeUnixNano));
    expect(turn.values).toMatchObject({
      'gateway.turn.status': 'completed',
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 1,
    });
    expect(server.values['gateway.turn.id']).toBe(turn.values['gateway.turn.id'] as string);
  });

  test('is linked from requests that follow it or end it', async () => {
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ content: 'begun' })));
    };
    const first = await chat(gateway, { message: 'hi', stream: true });
    const { turn: turnId } = idsOf(first);
    const follower = await gateway.request(`/c1/turns/${turnId}/events`);
    await gateway.request(`/c1/turns/${turnId}/cancel`, { method: 'POST' });
    await Promise.all([first.text(), follower.text()]);
    const spans = await ended();
    const turn = named(spans, 'turn test-model');
    expect(turn.values['gateway.turn.status']).toBe('cancelled');
    for (const name of ['GET /c1/turns/:id/events', 'POST /c1/turns/:id/cancel']) {
      const { traceId, links } = named(spans, name);
      expect(links).toMatchObject([{ traceId: turn.traceId, spanId: turn.spanId }]);
      expect(traceId).not.toBe(turn.traceId);
    }
  });
});

describe('what is sent', () => {
  test('holds no token, no key, no prompt, no answer and no made-up name', async () => {
    const CANARY = 'canary-7261';
    upstream.script = (call) => replySse(call, [chunk({ content: CANARY }), ...streamOf([CANARY])]);
    const asking = { ...body, messages: [{ role: 'user', content: CANARY }], stream: true };
    await (await gateway.request(`${CHAT}?q=${CANARY}`, { body: asking })).text();
    await gateway.request(CHAT, { body: { ...body, model: CANARY } });
    await gateway.request(`/${CANARY}`);
    await gateway.request(`/v1/models`, { headers: { authorization: `Bearer ${CANARY}` } });
    await said(gateway, { message: CANARY, system: CANARY });
    upstream.script = (call) => replyJson(call, { error: { message: CANARY } }, { status: 400 });
    await gateway.request(CHAT, { body: { ...body, user: CANARY, tools: [] } });
    await chat(gateway, { message: CANARY, user_id: CANARY });
    await ended();
    expect(collector.spans().length).toBeGreaterThan(10);
    const text = collector.bodies.join('');
    for (const secret of [CANARY, TOKEN, 'upstream-secret-key', 'collector-secret'])
      expect(text).not.toContain(secret);
  });

  test('names the service, and carries the headers of the settings to /v1/traces', async () => {
    await gateway.request('/v1/models');
    await ended();
    const [request] = collector.requests;
    expect(new URL(request?.url ?? '').pathname).toBe('/v1/traces');
    expect(request?.headers.get('x-collector-key')).toBe('collector-secret');
    expect(request?.headers.get('content-type')).toBe('application/json');
    expect(collector.bodies[0]).toContain(
      '{"key":"service.name","value":{"stringValue":"dgx-chat-gateway"}}',
    );
  });

  test('leaves out those who ask how the gateway is', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/v1/info']) await gateway.request(path);
    expect((await ended()).map(({ name }) => name)).toEqual(['GET /v1/info']);
  });

  test('is the share of traces that the settings want', async () => {
    const none = await startGateway(configFor(upstream, tracing(', sample_ratio: 0')));
    for (let i = 0; i < 20; i++) await none.request('/v1/models');
    await none.request('/v1/models/test-model', { headers: { traceparent } });
    await none.close();
    expect(collector.spans().map(({ traceId }) => traceId)).toEqual([TRACE]);
  });
});

test('without the settings nothing is traced, and a client’s traceparent goes nowhere', async () => {
  const own = await startGateway(configFor(upstream));
  await (await own.request(CHAT, { body, headers: { traceparent } })).text();
  await own.close();
  expect(upstream.calls.at(-1)?.headers.has('traceparent')).toBe(false);
  expect(collector.bodies).toEqual([]);
});
