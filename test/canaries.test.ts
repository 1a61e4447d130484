// Canaries: every secret and every word of a conversation is one of a kind, goes the ways that such things go, and is
// then looked for wherever a gateway writes or tells: its log at every level, its figures, its replies to others, and
// its files.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gif } from './harness/c1.ts';
import {
  chunk,
  completion,
  replyJson,
  replySse,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { spawnGateway, type GatewayProcess, type TestRequest } from './harness/gateway.ts';

const KINDS = ['openai', 'anthropic', 'gemini', 'azure', 'ollama', 'openrouter'] as const;

const TOKEN = 'canary-token-7c1f';

const keyOf = (kind: string) => `canary-key-${kind}-5a2b`;

/** What nobody may ever be told, and no file may hold. */
const SECRETS = {
  token: TOKEN,
  ...Object.fromEntries(KINDS.map((kind) => [`key of ${kind}`, keyOf(kind)])),
  'header of an upstream': 'canary-upstream-header-91d0',
  'wrong token': 'canary-wrong-token-33ee',
  'wrong key': 'canary-wrong-key-b7a8',
  'basic credentials': Buffer.from('user:canary-basic-12aa').toString('base64'),
  cookie: 'canary-cookie-4f4f',
  'header of a client': 'canary-client-header-8e21',
  'query of a client': 'canary-query-6d6d',
};

/** What belongs to whoever said it, and to no log and no figure. */
const WORDS = {
  prompt: 'canary-prompt-a0a1',
  system: 'canary-system-b0b1',
  answer: 'canary-answer-c0c1',
  reasoning: 'canary-reasoning-d0d1',
  'argument of a tool': 'canary-argument-e0e1',
  'result of a tool': 'canary-result-f0f1',
  'member that is carried': 'canary-member-a2a3',
  'end user': 'canary-user-b2b3',
  title: 'canary-title-c2c3',
  'idempotency key': 'canary-idempotency-d2d3',
  search: 'canary-search-e2e3',
  'broken body': 'canary-broken-a4a5',
  // A parser quotes it.
  'broken word': 'canarybrokenword',
};

/** A model that there is not is logged, as far as a name goes. */
const MODEL = `canary-model-${'m'.repeat(300)}`;

let upstream: FakeUpstream;
let gateway: GatewayProcess;
/** Every reply, with its headers. */
const replies: { readonly path: string; readonly text: string }[] = [];

beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await spawnGateway({
    yaml: config(upstream.url),
    env: { RUST_API_BEARER: TOKEN },
  });
  await converse();
  await misbehave();
  await failUpstream();
}, 30_000);
afterAll(async () => {
  await gateway.kill();
  await upstream.close();
  rmSync(gateway.directory, { recursive: true, force: true });
});

function config(url: string): string {
  return `
catalogue: replace
log: { level: trace }
routing: { retries: 0 }
upstreams:
${KINDS.map((kind) => `  ${kind}: { kind: ${kind}, base_url: "${url}", api_key: ${keyOf(kind)}, headers: { x-extra: "${SECRETS['header of an upstream']}" } }`).join('\n')}
models:
${KINDS.map((kind) => `  ${kind}: { modalities: { input: [text, image] }, targets: [{ upstream: ${kind}, model: m }] }`).join('\n')}
`;
}

async function send(path: string, { headers, ...init }: TestRequest = {}): Promise<string> {
  const response = await gateway.request(path, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
  });
  const text = await response.text();
  replies.push({
    path,
    text: `${response.status} ${JSON.stringify([...response.headers])} ${text}`,
  });
  return text;
}

const MESSAGES = [
  { role: 'system', content: WORDS.system },
  {
    role: 'user',
    content: [
      { type: 'text', text: WORDS.prompt },
      { type: 'image_url', image_url: { url: gif(7) } },
    ],
  },
];

/** Everything as it should be. */
async function converse(): Promise<void> {
  const call = {
    index: 0,
    id: 'call_1',
    type: 'function',
    function: { name: 'look', arguments: `{"at":"${WORDS['argument of a tool']}"}` },
  };
  const said = { content: WORDS.answer, reasoning_content: WORDS.reasoning };
  upstream.script = (asked) =>
    /"stream":\s*true/.test(asked.body)
      ? replySse(asked, [chunk({ ...said, tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]'])
      : replyJson(asked, completion(WORDS.answer));
  for (const stream of [true, false])
    await send('/v1/chat/completions', {
      body: {
        model: 'openai',
        stream,
        messages: MESSAGES,
        user: WORDS['end user'],
        x_more: WORDS['member that is carried'],
      },
    });
  const headers = { 'idempotency-key': WORDS['idempotency key'] };
  const about = {
    model: 'openai',
    user_id: WORDS['end user'],
    x_more: WORDS['member that is carried'],
  };
  const reply = await send('/c1/chat', {
    headers,
    body: { ...about, system: WORDS.system, message: WORDS.prompt },
  });
  const { conversation_id: id } = JSON.parse(reply) as { conversation_id: string };
  const results = [{ tool_call_id: 'call_1', content: WORDS['result of a tool'] }];
  await send('/c1/chat', {
    body: { ...about, stream: true, conversation_id: id, tool_results: results },
  });
  const user = `user_id=${WORDS['end user']}`;
  await send(`/c1/conversations/${id}?${user}`, { method: 'PATCH', body: { title: WORDS.title } });
  for (const path of [
    `/c1/conversations/${id}`,
    `/c1/conversations/${id}/export`,
    '/c1/conversations',
  ])
    await send(`${path}?${user}&q=${WORDS.search}`);
}

/** Clients that say things where they do not belong. */
async function misbehave(): Promise<void> {
  const odd: Record<string, string>[] = [
    { authorization: `Bearer ${SECRETS['wrong token']}` },
    { authorization: `Bearer ${SECRETS['wrong token']}, ${TOKEN}` },
    { authorization: SECRETS['wrong token'] },
    { authorization: `Basic ${SECRETS['basic credentials']}` },
    { 'x-api-key': SECRETS['wrong key'] },
    { 'api-key': SECRETS['header of a client'], 'x-goog-api-key': SECRETS['header of a client'] },
    { cookie: `session=${SECRETS.cookie}`, 'x-forwarded-for': SECRETS['header of a client'] },
    {
      'openai-organization': SECRETS['header of a client'],
      referer: `http://x/${SECRETS['header of a client']}`,
    },
  ];
  for (const headers of odd) {
    await send('/v1/models', { headers });
    await send('/v1/chat/completions', { headers, body: { model: 'openai', messages: MESSAGES } });
    await send('/nowhere', { headers });
  }
  const query = ['api_key', 'key', 'token', 'access_token']
    .map((name) => `${name}=${SECRETS['query of a client']}`)
    .join('&');
  for (const path of [
    '/v1/models',
    '/v1/info',
    '/nowhere',
    '/healthz',
    '/readyz',
    '/c1/conversations',
    '/c1/turns/none/events',
  ])
    await send(`${path}?${query}`);
  const key = { 'idempotency-key': WORDS['idempotency key'] };
  await send('/c1/chat', { headers: key, body: { model: 'openai', message: 'another body' } });
  await send('/v1/chat/completions', { body: { model: MODEL, messages: MESSAGES } });
  await send('/c1/chat', { body: { model: MODEL, message: WORDS.prompt } });
  await send('/v1/chat/completions', {
    body: {
      model: 'openai',
      messages: [
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: `https://x/${WORDS.prompt}` } }],
        },
      ],
    },
  });
  for (const body of [
    `{"model":"openai","messages":["${WORDS['broken body']}`,
    `{"a":1,"a":"${WORDS['broken body']}"}`,
    `"${WORDS['broken body']}"`,
    `{"a":${WORDS['broken word']}}`,
  ])
    for (const path of ['/v1/chat/completions', '/c1/chat', '/c1/import'])
      await send(path, { body });
}

/** Upstreams that fail in every way, and quote what they were sent. */
async function failUpstream(): Promise<void> {
  for (const kind of KINDS) {
    const message = `No ${keyOf(kind)} (${SECRETS['header of an upstream']}) for "${WORDS.prompt}"`;
    const body = { model: kind, stream: true, messages: MESSAGES };
    for (const status of [400, 401, 422, 429, 500]) {
      upstream.script = (call) =>
        replyJson(call, { error: { message, type: 'x', code: 'y' }, message }, { status });
      await send('/v1/chat/completions', { body });
      await send('/c1/chat', { body: { model: kind, message: WORDS.prompt } });
    }
    upstream.script = (call) =>
      replySse(call, [chunk({ content: WORDS.answer }), { error: { message } }]);
    await send('/v1/chat/completions', { body });
    upstream.script = (call) =>
      replySse(call, [chunk({ content: WORDS.answer }), `{"broken": "${message}`]);
    await send('/v1/chat/completions', { body });
    upstream.script = (call) =>
      replyJson(call, `<html>${message}</html>`, {
        headers: { 'x-leak': 'x', 'content-type': 'text/html' },
      });
    await send('/v1/chat/completions', { body });
    upstream.script = (call) =>
      replySse(call, [chunk({ content: WORDS.answer }), `{"broken":${WORDS['broken word']}}`]);
    await send('/v1/chat/completions', { body });
    await send('/c1/chat', { body: { model: kind, message: WORDS.prompt } });
    upstream.script = (call) => call.reset();
    await send('/v1/chat/completions', { body });
    upstream.script = (call) =>
      replyJson(call, '', {
        status: 302,
        headers: { location: `http://x/?key=${keyOf(kind)}` },
      });
    await send('/v1/chat/completions', { body });
  }
}

function written(): string {
  return gateway.stdout.text() + gateway.stderr.text();
}

/** Which of these are in a text. */
function foundIn(text: string, canaries: Readonly<Record<string, string>>): string[] {
  return Object.entries(canaries)
    .filter(([, canary]) => text.includes(canary))
    .map(([name]) => name);
}

test('the canaries have gone their ways: keys to their upstreams, words into conversations', async () => {
  expect(replies.length).toBeGreaterThan(150);
  expect(foundIn(replies.map(({ text }) => text).join(), WORDS)).toContain('answer');
  expect(await gateway.stdout.until(/"status":302|redirect|answered HTTP 302/)).toContain(
    '"level":',
  );
});

describe('no secret is', () => {
  test('in any reply, whatever failed', () => {
    const told = replies.flatMap(({ path, text }) =>
      foundIn(text, SECRETS).map((name) => `${name} at ${path}: ${text.slice(0, 300)}`),
    );
    expect(told).toEqual([]);
  });

  test('in what the process writes', () => {
    expect(foundIn(written(), SECRETS)).toEqual([]);
  });

  test('in a file of its own, the database among them', () => {
    const found = readdirSync(gateway.directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name !== 'gateway.yaml')
      .flatMap((name) =>
        foundIn(readFileSync(join(gateway.directory, name), 'latin1'), SECRETS).map(
          (what) => `${what} in ${name}`,
        ),
      );
    expect(found).toEqual([]);
  });

  test('where the gateway tells of itself', async () => {
    for (const path of [
      '/metrics',
      '/v1/info',
      '/v1/models',
      '/readyz',
      '/healthz',
      '/errors',
      '/openapi.json',
      '/',
    ])
      expect([path, foundIn(await send(path), { ...SECRETS, ...WORDS })]).toEqual([path, []]);
  });
});

describe('no word of a conversation is', () => {
  test('in what the process writes, at any level', () => {
    const lines = written()
      .split('\n')
      .flatMap((line) => foundIn(line, WORDS).map((name) => `${name}: ${line}`));
    expect(lines).toEqual([]);
    expect(written()).toContain('canary-model');
    expect(written()).not.toContain(MODEL);
  });

  test('told to anybody else', async () => {
    const others = [
      '/c1/conversations',
      '/c1/conversations?user_id=somebody',
      '/v1/info',
      '/metrics',
    ];
    for (const path of others)
      expect([path, foundIn(await send(path), { ...WORDS, prompt: WORDS.answer })]).toEqual([
        path,
        [],
      ]);
  });
});
