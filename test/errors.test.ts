// Every error a client can be sent is provoked here through real HTTP, and held against the contract's envelope.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ERROR_CATALOGUE, type ErrorCode } from '../src/domain/error-catalogue.ts';
import { GatewayError } from '../src/domain/errors.ts';
import { createApp, type AppDeps } from '../src/http/app.ts';
import { listen } from '../src/http/listen.ts';
import { createHttpServer } from '../src/http/server.ts';
import { createCatalog } from '../src/routing/catalog.ts';
import { codesThrown, sourceFiles } from './harness/source.ts';
import {
  completion,
  configFor,
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
  type UpstreamScript,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

const PNG = `data:image/png;base64,${Buffer.from('89504e470d0a1a0a', 'hex').toString('base64')}`;
const USER = { role: 'user', content: 'hi' };

let upstream: FakeUpstream;
let gateway: TestGateway;
let limited: TestGateway;
let storeless: TestGateway;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const more = `
  text-only:
    modalities: { input: [text] }
    capabilities: { tools: false }
    targets: [{ upstream: fake, model: fake-model }]
  narrow:
    targets: [{ upstream: narrow, model: m }]
  unreachable:
    targets: [{ upstream: gone, model: m }]`;
  const twoUpstreams = configFor(upstream, more).replace(
    'models:',
    `  narrow: { kind: openai, base_url: "${upstream.url}", max_concurrent: 1, max_queued: 0 }
  gone: { kind: openai, base_url: "http://127.0.0.1:1/v1" }
models:`,
  );
  gateway = await startGateway(
    `${twoUpstreams}\nlimits: { max_body_bytes: 4096, rate_per_second: 1000000, burst: 1000000 }`,
  );
  limited = await startGateway(configFor(upstream, 'limits: { rate_per_second: 1, burst: 1 }'));
  storeless = await startGateway(
    configFor(upstream, 'storage: { url: "sqlite:/dev/null/gateway.db" }'),
  );
});
afterAll(async () => {
  await Promise.all([gateway.close(), limited.close(), storeless.close()]);
  await upstream.close();
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  gateway.request(path, { body, headers });
const v1 = (body: object = {}) =>
  post('/v1/chat/completions', { model: 'test-model', messages: [USER], ...body });
const c1 = (body: object = {}) => post('/c1/chat', { model: 'test-model', message: 'hi', ...body });
/** Another body under a key that was used. */
async function reusedKey(): Promise<Response> {
  upstream.script = (call) => replyJson(call, completion('ok'));
  const headers = { 'idempotency-key': crypto.randomUUID() };
  await post('/c1/chat', { model: 'test-model', message: 'first' }, headers);
  return await post('/c1/chat', { model: 'test-model', message: 'second' }, headers);
}

/** One request more than an upstream is given at once, which none may wait for. */
async function fullUpstream(): Promise<Response> {
  const held = Promise.withResolvers<UpstreamCall>();
  upstream.script = held.resolve;
  const running = v1({ model: 'narrow' });
  const call = await held.promise;
  const refused = await v1({ model: 'narrow' });
  await replyJson(call, completion('ok'));
  expect((await running).status).toBe(200);
  return refused;
}

/** A whole reply that is waited for while somebody cancels its turn. */
async function cancelledTurn(): Promise<Response> {
  const asked = Promise.withResolvers<void>();
  const id = await conversation();
  upstream.script = () => asked.resolve();
  const pending = c1({ conversation_id: id });
  await asked.promise;
  const busy = await c1({ conversation_id: id });
  const turn = /turn_[0-9a-f]+/.exec(await busy.text())?.[0];
  await gateway.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
  return await pending;
}

const answering = async (script: UpstreamScript, ask = v1) => {
  upstream.script = script;
  return await ask();
};
const refusing = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  answering((call) => replyJson(call, body, { status, headers }));

/** A conversation with one answered turn. */
async function conversation(): Promise<string> {
  const response = await answering((call) => replyJson(call, completion('ok')), c1);
  await response.text();
  return response.headers.get('x-conversation-id') ?? '';
}

async function busyConversation(): Promise<Response> {
  const id = await conversation();
  const before = upstream.calls.length;
  upstream.script = () => undefined;
  const running = c1({ conversation_id: id });
  while (upstream.calls.length === before) await upstream.nextCall();
  const refused = await c1({ conversation_id: id });
  const call = upstream.calls.at(-1);
  if (call) await replyJson(call, completion('ok'));
  await (await running).text();
  return refused;
}

/** An app in which something fails that should not. */
async function faultyApp(): Promise<Response> {
  const probe = { requestFinished() {} } as never;
  const clock = { now: () => 0, elapsed: () => 0 };
  const app = createApp({
    identify() {
      throw new TypeError('canary for the log alone');
    },
    catalog: createCatalog([]),
  } as unknown as AppDeps);
  const admission = { hold() {}, release() {} };
  const server = createHttpServer({
    app: () => app,
    clock,
    probe,
    admission,
    isDraining: () => false,
  });
  const listener = listen(server.answer, { host: '127.0.0.1', port: 0 });
  try {
    const response = await fetch(`${listener.url}/v1/models`);
    expect(await response.clone().text()).not.toContain('canary');
    return response;
  } finally {
    await listener.close();
  }
}

/** A second request where one may be served at once. */
async function overloadedGateway(): Promise<Response> {
  const small = await startGateway(configFor(upstream, 'limits: { max_in_flight: 1 }'));
  try {
    const held = Promise.withResolvers<UpstreamCall>();
    upstream.script = held.resolve;
    const body = { model: 'test-model', messages: [USER] };
    const running = small.request('/v1/chat/completions', { body });
    const call = await held.promise;
    const refused = await small.request('/v1/chat/completions', { body });
    await replyJson(call, completion('ok'));
    expect((await running).status).toBe(200);
    return refused;
  } finally {
    await small.close();
  }
}

async function drainingGateway(): Promise<Response> {
  const draining = await startGateway(configFor(upstream));
  try {
    await draining.gateway.drain(0);
    const response = await draining.request('/v1/models');
    expect(response.headers.get('connection')).toBe('close');
    return response;
  } finally {
    await draining.close();
  }
}

interface Provocation {
  readonly provoke: () => Promise<Response>;
  readonly param?: string | null;
  readonly status?: number;
  readonly header?: readonly [string, string];
}

const image = (url: string) => [
  { role: 'user', content: [{ type: 'image_url', image_url: { url } }] },
];
const IMAGE_PARAM = 'messages[0].content[0].image_url.url';

const PROVOCATIONS: Partial<Record<ErrorCode, Provocation>> = {
  missing_authorization: { provoke: () => fetch(`${gateway.url}/v1/models`) },
  invalid_authorization: {
    provoke: () => gateway.request('/v1/models', { headers: { authorization: 'Bearer wrong' } }),
    header: ['www-authenticate', 'Bearer'],
  },
  rate_limit_exceeded: {
    async provoke() {
      const replies = await Promise.all(
        Array.from({ length: 8 }, () => limited.request('/v1/models')),
      );
      return replies.find(({ status }) => status === 429) ?? replies[0] ?? Response.error();
    },
    header: ['x-ratelimit-limit-requests', '1'],
  },
  too_many_streams: { provoke: fullUpstream },
  body_too_large: { provoke: () => v1({ filler: 'x'.repeat(5000) }) },
  unsupported_media_type: {
    provoke: () => post('/v1/chat/completions', 'a=b', { 'content-type': 'text/plain' }),
    param: 'content-type',
  },
  invalid_json: { provoke: () => post('/v1/chat/completions', '{"model":') },
  missing_field: { provoke: () => post('/v1/chat/completions', { model: 'x' }), param: 'messages' },
  invalid_field: { provoke: () => v1({ stream: 'yes' }), param: 'stream' },
  model_not_in_allowlist: { provoke: () => v1({ model: 'gpt-2' }), param: 'model' },
  max_tokens_below_minimum: { provoke: () => v1({ max_tokens: 0 }), param: 'max_tokens' },
  image_url_not_supported: {
    provoke: () => v1({ messages: image('https://example.com/a.png') }),
    param: IMAGE_PARAM,
  },
  image_decode_error: {
    provoke: () => v1({ messages: image('data:image/png;base64,AAAA') }),
    param: IMAGE_PARAM,
  },
  modality_not_supported: {
    provoke: () => v1({ model: 'text-only', messages: image(PNG) }),
    param: 'messages[0].content[0]',
  },
  context_length_exceeded: {
    provoke: () =>
      refusing(400, { error: { message: "This model's maximum context length is 8 tokens." } }),
    param: 'messages',
  },
  conversation_busy: { provoke: busyConversation, param: 'conversation_id' },
  head_moved: {
    provoke: async () => await c1({ conversation_id: await conversation(), expected_head: 'old' }),
    param: 'expected_head',
  },
  route_not_found: { provoke: () => gateway.request('/v1/nothing') },
  model_not_found: { provoke: () => gateway.request('/v1/models/gpt-2'), param: 'id' },
  conversation_not_found: {
    provoke: () => gateway.request('/c1/conversations/conv_none'),
    param: 'conversation_id',
  },
  idempotency_key_reused: { provoke: reusedKey, param: 'idempotency-key' },
  turn_not_found: { provoke: () => gateway.request('/c1/turns/turn_none'), param: 'turn_id' },
  turn_cancelled: { provoke: cancelledTurn },
  method_not_allowed: {
    provoke: () => gateway.request('/v1/models', { method: 'DELETE' }),
    header: ['allow', 'GET, HEAD'],
  },
  upstream_rejected: {
    provoke: () => refusing(422, { error: { message: 'no such sampler' } }),
    status: 422,
  },
  upstream_rate_limited: {
    provoke: () => refusing(429, { error: { message: 'slow down' } }, { 'retry-after': '3600' }),
    header: ['retry-after', '60'],
  },
  upstream_auth_failed: { provoke: () => refusing(401, { error: { message: 'bad key' } }) },
  upstream_unavailable: { provoke: () => v1({ model: 'unreachable' }) },
  upstream_timeout: { provoke: () => refusing(504, '<html>gateway timeout</html>') },
  upstream_protocol_error: {
    provoke: () => answering((call) => replyJson(call, '{"choices":')),
  },
  upstream_interrupted: {
    provoke: () =>
      answering(async (call) => {
        await call.send('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices"');
        call.end();
      }),
  },
  storage_unavailable: {
    provoke: () => storeless.request('/c1/chat', { body: { model: 'test-model', message: 'hi' } }),
  },
  overloaded: { provoke: overloadedGateway, header: ['connection', 'close'] },
  shutting_down: { provoke: drainingGateway },
  internal_error: { provoke: faultyApp },
};

/** Thrown by code that nothing reaches yet. */
const OUT_OF_REACH: readonly string[] = [
  // Repeats the code that a turn ended with, which was thrown before.
  '<dynamic> chat/follow-turn.ts',
];

describe('every error', () => {
  for (const [code, provocation] of Object.entries(PROVOCATIONS)) {
    test(`${code} has its status, its envelope and the headers that tell whether to try again`, async () => {
      const response = await provocation.provoke();
      const entry = ERROR_CATALOGUE[code as ErrorCode];
      const text = await response.text();
      const body = JSON.parse(text) as { error: Record<string, unknown> };
      expect({ status: response.status, ...body.error }).toMatchObject({
        status: provocation.status ?? entry.http_status,
        code,
        type: entry.type,
        param: provocation.param ?? null,
        retryable: entry.retryable,
        request_id: response.headers.get('x-request-id') ?? 'no x-request-id',
      });
      expect(Object.keys(body)).toEqual(['error']);
      const keys = ['type', 'code', 'message', 'param', 'retryable', 'request_id'];
      expect(Object.keys(body.error)).toEqual(keys);
      expect(body.error['message']).toBeString();
      expect(body.error['message']).not.toBeEmpty();
      expect(response.headers.get('content-type')).toBe('application/json');
      expectRetryHeaders(response.headers, entry.retryable);
      if (provocation.header) {
        expect(response.headers.get(provocation.header[0])).toBe(provocation.header[1]);
      }
    });
  }

  test('that the source throws is provoked above', () => {
    const thrown = [...codesThrown(sourceFiles())].filter((code) => !OUT_OF_REACH.includes(code));
    expect(Object.keys(PROVOCATIONS).toSorted()).toEqual(thrown.toSorted());
  });

  test('has a message that names a fault and what to do, unless the thrower gave one', () => {
    for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
      const { description, remediation } = ERROR_CATALOGUE[code];
      expect(new GatewayError(code).message).toBe(`${description} ${remediation}`);
    }
  });
});

function expectRetryHeaders(headers: Headers, retryable: boolean): void {
  const [seconds, ms] = [headers.get('retry-after'), headers.get('retry-after-ms')];
  if (!retryable) {
    expect([seconds, ms, headers.get('x-should-retry')]).toEqual([null, null, 'false']);
    return;
  }
  expect(headers.get('x-should-retry')).toBeNull();
  expect(seconds).toMatch(/^\d+$/);
  expect(ms).toMatch(/^\d+$/);
  expect(Number(seconds)).toBeWithin(1, 61);
  expect(Number(ms)).toBeWithin(1, 60_001);
  expect(Number(seconds)).toBe(Math.ceil(Number(ms) / 1000));
}

test('GET /errors lists the catalogue, whole and in order, to anybody', async () => {
  const response = await fetch(`${gateway.url}/errors`);
  const body = (await response.json()) as { entries: { code: string }[] };
  const entries = Object.entries(ERROR_CATALOGUE).map(([code, entry]) => ({ code, ...entry }));
  expect(body).toEqual({ version: 1, count: entries.length, entries } as never);
});
