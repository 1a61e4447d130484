// What the canaries go through: conversations as they should be, clients that say things in the wrong place, upstreams
// that fail in every way and quote what they were sent.
import { gif } from '../harness/c1.ts';
import {
  chunk,
  completion,
  replyJson,
  replySse,
  type FakeUpstream,
} from '../harness/fake-upstream.ts';
import type { TestRequest } from '../harness/gateway.ts';
import { KINDS, keyOf, MODEL, SECRETS, TOKEN, WORDS } from './canaries.ts';

export interface Scene {
  readonly upstream: FakeUpstream;
  /** With the token, unless something else is said; resolves to the reply's text. */
  send(path: string, init?: TestRequest): Promise<string>;
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
export async function converse({ upstream, send }: Scene): Promise<void> {
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
export async function misbehave({ send }: Scene): Promise<void> {
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
export async function failUpstream({ upstream, send }: Scene): Promise<void> {
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
