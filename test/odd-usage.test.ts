// Upstreams whose token counts are none: the answer is given all the same, and nothing else is counted or kept.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { listen } from '../src/http/listen.ts';
import { chat, shownTurn } from './harness/c1.ts';
import {
  chunk,
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { ask, askStream, errorIn } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ODD: [string, unknown][] = [
  ['below zero', -1],
  ['beyond what is exact', 1e300],
  ['a fraction', 1.5],
  ['a text', 'seven'],
  ['a list', [7]],
  ['a truth', true],
];

describe.each(ODD)('token counts that are %s', (_, count) => {
  const usage = {
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    prompt_tokens_details: { cached_tokens: count },
  };
  const stream = [
    chunk({ content: 'ok' }),
    chunk({}, 'stop'),
    { ...chunk({}), choices: [], usage },
    '[DONE]',
  ];

  test('take nothing from the answer, on either API, streamed or whole', async () => {
    upstream.script = (call) =>
      call.body.includes('"stream":true')
        ? replySse(call, stream)
        : replyJson(call, completion('ok', { usage }));
    expect((await ask(gateway)).status).toBe(200);
    expect(await (await askStream(gateway)).text()).toEndWith('data: [DONE]\n\n');
    const turn = await chat(gateway, { message: 'hi' });
    expect(turn.status).toBe(200);
    const shown = await shownTurn(gateway, turn.headers.get('x-turn-id') ?? '');
    expect(shown.status).toBe('completed');
    expect(shown.usage).toMatchObject({
      prompt_tokens: null,
      completion_tokens: null,
      cached_tokens: null,
    });
    const metrics = await (await gateway.request('/metrics')).text();
    expect(metrics).not.toMatch(/^gateway_(?:prompt|completion|cached)_tokens_total\{.* (?!0$)/m);
  });
});

test('a fault beyond the app is told in the envelope, and shows nothing of the source', async () => {
  const listener = listen(() => Promise.reject(new Error('secret detail')), {
    host: '127.0.0.1',
    port: 0,
  });
  try {
    const response = await fetch(listener.url);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(errorIn(text)).toMatchObject({
      code: 'internal_error',
      request_id: response.headers.get('x-request-id') ?? '',
    });
    expect(text).not.toContain('secret detail');
  } finally {
    await listener.close();
  }
});
