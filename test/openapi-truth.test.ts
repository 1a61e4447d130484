// What the OpenAPI document tells is what the gateway does: every operation is asked for every reply that the document
// knows, over real sockets, and each reply is held against it: status, headers, media type, body, error code.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ERROR_CATALOGUE, type ErrorCode } from '../src/domain/error-catalogue.ts';
import { createApp, type AppDeps } from '../src/http/app.ts';
import { createCatalog } from '../src/routing/catalog.ts';
import { listen } from '../src/http/listen.ts';
import { gif, holdCalls } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  sse,
  type FakeUpstream,
  type UpstreamScript,
} from './harness/fake-upstream.ts';
import type { TestGateway, TestRequest } from './harness/gateway.ts';
import { answered, serve, startAll, type AllGateways } from './harness/gateways.ts';
import {
  createReplyChecker,
  operationsOf,
  type ApiDocument,
  type PlacedOperation,
  type ReplyChecker,
} from './harness/openapi.ts';
import { newConversation, samples, type Ids, type Sample } from './harness/openapi-samples.ts';

/** Told of, and not asked for here. */
const UNSEEN: Readonly<Record<string, string>> = {
  'sendMessage 404 turn_not_found':
    'a repeated key whose turn is deleted between two reads of the store',
};

let all: AllGateways;
let upstream: FakeUpstream;
let gateway: TestGateway;
let limited: TestGateway;
let drained: TestGateway;
let storeless: TestGateway;
let busy: TestGateway;
let document: ApiDocument;
let checker: ReplyChecker;
let kept: Ids;

beforeAll(async () => {
  all = await startAll();
  ({ upstream, gateway, limited, drained, storeless, busy } = all);
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as ApiDocument;
  checker = createReplyChecker(document);
  kept = await newConversation(gateway);
});
afterAll(async () => {
  await all.close();
});

/** Holds a reply to the document; gives its text. */
async function told(operationId: string, response: Response): Promise<string> {
  const text = await response.text();
  expect({ operationId, faults: checker.faultsOf(operationId, response, text) }).toEqual({
    operationId,
    faults: [],
  });
  return text;
}

/** The same, of an error that must be this one. */
async function toldOf(operationId: string, code: ErrorCode, response: Response): Promise<void> {
  const text = await told(operationId, response);
  expect(text).toContain(`"code":"${code}"`);
}

const sampleOf = (operationId: string, ids: Ids = kept): Sample => {
  const sample = samples(ids)[operationId];
  if (!sample) throw new TypeError(`no sample of ${operationId}`);
  return sample;
};
const send = (to: Pick<TestGateway, 'request'>, sample: Sample, more: TestRequest = {}) =>
  to.request(sample.path, {
    ...sample,
    ...more,
    headers: { ...sample.headers, ...more.headers },
  });
const each = (which: (operation: PlacedOperation) => boolean) =>
  operationsOf(document).filter(which);
/** From elsewhere, so that /metrics wants the token too. */
const ELSEWHERE = { 'x-forwarded-for': '192.0.2.1' };

test('every operation has a sample', () => {
  const known = operationsOf(document).map(({ operationId }) => operationId);
  expect(Object.keys(samples(kept)).toSorted()).toEqual(known.toSorted());
});

describe('every operation', () => {
  test('succeeds as told', async () => {
    for (const { operationId } of operationsOf(document)) {
      const ids = operationId === 'deleteConversation' ? await newConversation(gateway) : kept;
      const response = await send(gateway, sampleOf(operationId, ids));
      expect([operationId, response.ok]).toEqual([operationId, true]);
      await told(operationId, response);
    }
  });

  test('refuses headers that can be read in two ways', async () => {
    for (const { operationId } of operationsOf(document)) {
      const twice = { headers: { 'x-api-key': 'a, b' } };
      await toldOf(operationId, 'invalid_field', await send(gateway, sampleOf(operationId), twice));
    }
  });

  test('tells of a fault of ours without its details', async () => {
    const broken = {
      answer() {
        throw new TypeError('canary for the log alone');
      },
    };
    const listener = listen(serve(broken), { host: '127.0.0.1', port: 0 });
    for (const { operationId, method } of operationsOf(document)) {
      const response = await fetch(listener.url + sampleOf(operationId).path, { method });
      await toldOf(operationId, 'internal_error', response);
    }
    await listener.close();
  });

  test('that wants a token says so', async () => {
    for (const { operationId, security } of each((operation) => !isPublic(operation))) {
      const { path, method, body } = sampleOf(operationId);
      const asked = method ?? (body === undefined ? 'GET' : 'POST');
      const response = await fetch(gateway.url + path, { method: asked, headers: ELSEWHERE });
      await toldOf(operationId, 'missing_authorization', response);
      const wrong = { ...ELSEWHERE, authorization: 'Bearer wrong' };
      const refused = await send(gateway, sampleOf(operationId), { headers: wrong });
      await toldOf(operationId, 'invalid_authorization', refused);
      expect(security).not.toEqual([]);
    }
  });

  test('that wants a token keeps to its rate', async () => {
    for (const { operationId } of each((operation) => !isPublic(operation))) {
      const ask = () => send(limited, sampleOf(operationId), { headers: ELSEWHERE });
      let response = await ask();
      while (response.status !== 429) response = await ask();
      await toldOf(operationId, 'rate_limit_exceeded', response);
    }
  });

  test('is refused while the gateway stops, but for those that tell of it', async () => {
    for (const operation of operationsOf(document)) {
      const { operationId } = operation;
      const response = await send(drained, sampleOf(operationId));
      const text = await told(operationId, response);
      if (knows(operation, 'shutting_down')) expect(text).toContain('"code":"shutting_down"');
      else expect([200, 503]).toContain(response.status);
    }
  });

  test('that makes work is refused when there is too much of it', async () => {
    const held = holdCalls(upstream);
    const running = send(busy, sampleOf('createChatCompletion'));
    const call = await held;
    for (const { operationId } of each((operation) => knows(operation, 'overloaded')))
      await toldOf(operationId, 'overloaded', await send(busy, sampleOf(operationId)));
    await answered(call);
    expect((await running).status).toBe(200);
    upstream.script = answered;
  });

  test('on conversations tells when they cannot be read', async () => {
    for (const { operationId } of each((operation) => knows(operation, 'storage_unavailable')))
      await toldOf(
        operationId,
        'storage_unavailable',
        await send(storeless, sampleOf(operationId)),
      );
  });

  test('with an id refuses one that there is not', async () => {
    for (const { operationId, path } of each((operation) => operation.path.includes('{id}'))) {
      const sample = { ...sampleOf(operationId), path: path.replace('{id}', 'none') };
      const [kind = ''] = /model|conversation|turn/.exec(path) ?? [];
      await toldOf(operationId, `${kind}_not_found` as ErrorCode, await send(gateway, sample));
    }
  });

  test('with a body refuses one that is too large, of another type, or no JSON', async () => {
    for (const operation of each(({ requestBody }) => requestBody !== undefined)) {
      const { operationId } = operation;
      const sample = sampleOf(operationId);
      const refuses = async (code: ErrorCode, more: TestRequest) =>
        await toldOf(operationId, code, await send(gateway, sample, more));
      await refuses('body_too_large', { body: ' '.repeat(9000) });
      await refuses('unsupported_media_type', { headers: { 'content-type': 'text/plain' } });
      await refuses('invalid_json', { body: '{' });
      if (knows(operation, 'missing_field')) await refuses('missing_field', { body: '{}' });
    }
  });
});

function isPage({ tags }: PlacedOperation): boolean {
  return tags[0] === 'Pages';
}

function isPublic({ security }: PlacedOperation): boolean {
  return security?.length === 0;
}

function knows({ responses }: PlacedOperation, code: ErrorCode): boolean {
  return Object.values(responses).some((reply) => reply['x-error-codes']?.includes(code));
}

describe.each([
  { operationId: 'createChatCompletion', pictures: pictureInMessage },
  { operationId: 'sendMessage', pictures: (url: string) => ({ images: [url] }) },
])('$operationId', ({ operationId, pictures }) => {
  const ask = async (more: object, script: UpstreamScript = answered, init: TestRequest = {}) => {
    upstream.script = script;
    const sample = sampleOf(operationId);
    const body = { ...(sample.body as object), ...more };
    const response = await send(gateway, { ...sample, body }, init);
    return response;
  };
  const refusing = (status: number, message: string) => (call: Parameters<UpstreamScript>[0]) =>
    // /c1 always asks for a stream, and an error is JSON all the same.
    replyJson(call, { error: { message } }, { status });

  const PROVOKED: Partial<Record<ErrorCode, () => Promise<Response>>> = {
    model_not_in_allowlist: () => ask({ model: 'gpt-2' }),
    max_tokens_below_minimum: () => ask({ max_tokens: 0 }),
    image_url_not_supported: () => ask(pictures('https://example.com/a.png')),
    image_decode_error: () => ask(pictures('data:image/png;base64,AAAA')),
    modality_not_supported: () => ask({ model: 'text-only', ...pictures(gif(1)) }),
    context_length_exceeded: () =>
      ask({}, refusing(400, "This model's maximum context length is 8 tokens.")),
    upstream_rejected: () => ask({}, refusing(400, 'no such sampler')),
    upstream_rate_limited: () => ask({}, refusing(429, 'slow down')),
    upstream_auth_failed: () => ask({}, refusing(401, 'bad key')),
    upstream_timeout: () => ask({}, refusing(504, 'too late')),
    upstream_unavailable: () => ask({ model: 'unreachable' }),
    upstream_protocol_error: () => ask({}, (call) => replyJson(call, 'no JSON')),
    upstream_interrupted: () =>
      ask({}, async (call) => {
        await call.send('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices"');
        call.end();
      }),
    async too_many_streams() {
      const held = holdCalls(upstream);
      const sample = sampleOf(operationId);
      const narrow = { ...sample, body: { ...(sample.body as object), model: 'narrow' } };
      const running = send(gateway, narrow);
      const call = await held;
      const refused = await send(gateway, narrow);
      await answered(call);
      await told(operationId, await running);
      return refused;
    },
  };

  test.each(Object.keys(PROVOKED) as ErrorCode[])('answers %s as told', async (code) => {
    const response = await PROVOKED[code]?.();
    await toldOf(operationId, code, response ?? Response.error());
  });

  test.each([404, 409, 413, 415, 418, 422])("keeps an upstream's %i", async (status) => {
    const response = await ask({}, refusing(status, 'no'));
    expect(response.status).toBe(status);
    await toldOf(operationId, 'upstream_rejected', response);
  });

  test('streams as told, with usage and without', async () => {
    for (const include_usage of [true, false]) {
      const text = await told(
        operationId,
        await ask({ stream: true, stream_options: { include_usage } }),
      );
      expect(text).toEndWith('data: [DONE]\n\n');
    }
  });

  test('ends a stream that fails in mid-answer with an error, as told', async () => {
    const text = await told(
      operationId,
      await ask({ stream: true }, async (call) => {
        await beginSse(call);
        await call.send(sse(chunk({ role: 'assistant', content: 'Hel' })));
        call.end();
      }),
    );
    expect(text).toContain('"code":"upstream_interrupted"');
  });

  test('says what it applied, and calls tools and draws as told', async () => {
    const floored = await ask({ model: 'floored', max_tokens: 1 });
    expect(floored.headers.get('x-gateway-applied')).toBe('max_tokens_floored=200');
    await told(operationId, floored);
    const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const picture = { type: 'image_url', image_url: { url: gif(1) } };
    for (const message of [{ tool_calls: [call] }, { content: '', images: [picture] }]) {
      const { choices: _, ...rest } = completion('') as { choices: unknown };
      const choice = { index: 0, message: { role: 'assistant', content: null, ...message } };
      const choices = [{ ...choice, finish_reason: 'stop' }];
      await told(operationId, await ask({}, (held) => replyJson(held, { ...rest, choices })));
    }
  });
});

function pictureInMessage(url: string): object {
  return { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] };
}

describe('sendMessage', () => {
  const chat = (more: object, headers: Record<string, string> = {}) =>
    gateway.request('/c1/chat', { body: { model: 'test-model', message: 'hi', ...more }, headers });

  test('knows conversations, heads and keys, as told', async () => {
    upstream.script = answered;
    const missing = await chat({ conversation_id: 'conv_none' });
    await toldOf('sendMessage', 'conversation_not_found', missing);
    const stale = await chat({ conversation_id: kept.conversation, expected_head: 'old' });
    await toldOf('sendMessage', 'head_moved', stale);
    const key = { 'idempotency-key': crypto.randomUUID() };
    await told('sendMessage', await chat({}, key));
    const repeated = await chat({}, key);
    expect(repeated.headers.get('idempotent-replayed')).toBe('true');
    await told('sendMessage', repeated);
    await toldOf('sendMessage', 'idempotency_key_reused', await chat({ message: 'other' }, key));
  });

  test('and others refuse what a running turn is in the way of, and a cancelled one is told of', async () => {
    const { conversation } = await newConversation(gateway);
    const held = holdCalls(upstream);
    const running = chat({ conversation_id: conversation });
    const call = await held;
    const busy = await chat({ conversation_id: conversation });
    const turn = /turn_[0-9a-f]+/.exec(await busy.clone().text())?.[0] ?? '';
    await toldOf('sendMessage', 'conversation_busy', busy);
    const { messages } = (await (
      await gateway.request(`/c1/conversations/${conversation}`)
    ).json()) as { messages: { id: string }[] };
    const move = { method: 'PATCH', body: { head: messages[0]?.id } };
    const moved = await gateway.request(`/c1/conversations/${conversation}`, move);
    await toldOf('updateConversation', 'conversation_busy', moved);
    await told('getTurn', await gateway.request(`/c1/turns/${turn}`));
    const cancelled = await gateway.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
    await told('cancelTurn', cancelled);
    await toldOf('sendMessage', 'turn_cancelled', await running);
    await call.closed;
    // A failed turn's stream is a stream, which ends with its error.
    const events = await told('followTurn', await gateway.request(`/c1/turns/${turn}/events`));
    expect(events).toContain('"code":"turn_cancelled"');
  });
});

test('conversations with pictures, tools, notes and branches are as told', async () => {
  upstream.script = answered;
  const body = {
    model: 'test-model',
    message: 'look',
    images: [gif(1)],
    system: 'Be brief.',
    tools: [{ type: 'function', function: { name: 'f' } }],
    user_id: 'ann',
  };
  const response = await gateway.request('/c1/chat', { body });
  const id = response.headers.get('x-conversation-id');
  await told('sendMessage', response);
  const at = (rest: string) => `/c1/conversations/${id}${rest}?user_id=ann`;
  const change = { method: 'PATCH', body: { title: null, metadata: { a: 'b' } } };
  await told('updateConversation', await gateway.request(at(''), change));
  await told('getConversation', await gateway.request(`${at('')}&tree=1`));
  await told('exportConversation', await gateway.request(at('/export')));
  await told('forkConversation', await gateway.request(at('/fork'), { body: { title: 'x' } }));
  await told('listConversations', await gateway.request('/c1/conversations?user_id=ann&limit=1'));
});

test('what has a name for its version is as told to whoever has it', async () => {
  for (const { operationId } of each(({ responses }) => '304' in responses)) {
    const { headers } = await send(gateway, sampleOf(operationId));
    const known = { 'if-none-match': headers.get('etag') ?? '' };
    const response = await send(gateway, sampleOf(operationId), { headers: known });
    expect(response.status).toBe(304);
    await told(operationId, response);
  }
});

test('a page of a site that was not built says so', async () => {
  const app = createApp({
    catalog: createCatalog([]),
    site: { folder: '', files: new Map() },
  } as unknown as AppDeps);
  const listener = listen(serve(app), { host: '127.0.0.1', port: 0 });
  for (const { operationId } of each(isPage)) {
    const headers = { accept: 'text/html' };
    const response = await fetch(listener.url + sampleOf(operationId).path, { headers });
    await toldOf(operationId, 'route_not_found', response);
  }
  await listener.close();
});

test('a page that is not there is a page to a browser and an error to a program', async () => {
  for (const { operationId, path } of each(isPage)) {
    if (!path.includes('{')) continue;
    const missing = { ...sampleOf(operationId), path: path.replace(/\{.*/, 'none') };
    await toldOf(operationId, 'route_not_found', await send(gateway, missing));
    const html = await send(gateway, missing, { headers: { accept: 'text/html' } });
    expect(html.headers.get('content-type')).toStartWith('text/html');
    await told(operationId, html);
  }
});

test('nothing that the document tells of was left out', () => {
  const unseen = checker.told.filter((reply) => !checker.seen.has(reply));
  expect(unseen.toSorted()).toEqual(Object.keys(UNSEEN).toSorted());
});

test('the checker finds a member, a header, a code, a type and a status that are not told of', () => {
  const reply = (status: number, body: object, headers: Record<string, string> = {}) => {
    const text = JSON.stringify(body);
    const all = { 'content-type': 'application/json', 'x-request-id': 'r', ...headers };
    return checker.faultsOf('getHealth', new Response(text, { status, headers: all }), text);
  };
  const { type, retryable } = ERROR_CATALOGUE.turn_not_found;
  const error = {
    type,
    code: 'turn_not_found',
    message: '',
    param: null,
    retryable,
    request_id: '',
  };
  expect(reply(200, { status: 'ok' })).toEqual([]);
  expect(reply(200, { status: 'ok', more: 1 }).join()).toContain('additional properties (more)');
  expect(reply(200, { status: 'ok' }, { 'x-more': '1' })).toEqual(['sent the header x-more']);
  expect(reply(200, { status: 'ok' }, { 'content-type': 'text/html' })).toEqual(['sent text/html']);
  expect(reply(400, { error }).join()).toContain('answered 400 turn_not_found');
  expect(reply(418, {}).join()).toContain('answered 418');
});
