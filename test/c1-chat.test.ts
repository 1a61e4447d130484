// POST /c1/chat: the quickstart, the two forms of a reply, and clients that leave.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startDemoEngine, type DemoEngine } from '../src/demo/engine.ts';
import { chat, conversation, framesOf, joinedText, said, type Reply } from './harness/c1.ts';
import {
  chunk,
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

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

describe('the quickstart', () => {
  let demo: DemoEngine;
  let server: TestGateway;
  beforeAll(async () => {
    demo = startDemoEngine({ tokenDelayMs: 0 });
    server = await startGateway(`
catalogue: replace
upstreams:
  demo: { kind: openai, base_url: ${demo.url} }
models:
  llama-4-scout: { targets: [{ upstream: demo, model: llama-4-scout }] }`);
  });
  afterAll(async () => {
    await server.close();
    await demo.close();
  });

  const teal =
    '{"model":"llama-4-scout","message":"My favourite colour is teal. Remember that.","tools":[],"tool_choice":"auto","response_format":{"type":"text"},"stream":false,"max_tokens":60}';
  const recall = (id: string | null, more = '') =>
    `{"model":"llama-4-scout","conversation_id":"${id}","message":"What is my favourite colour?","tools":[],"tool_choice":"auto","response_format":{"type":"text"},"max_tokens":60${more}}`;

  test('works word for word: the second turn knows what the first one was told', async () => {
    const first = await server.request('/c1/chat', { body: teal });
    expect(first.status).toBe(200);
    const id = first.headers.get('x-conversation-id');
    expect(id).toMatch(/^conv_[0-9a-f]{32}$/);
    expect(first.headers.get('x-turn-id')).toMatch(/^turn_[0-9a-f]{32}$/);
    expect(first.headers.get('content-type')).toBe('application/json');
    expect(await first.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'llama-4-scout',
      system_fingerprint: 'demo-engine',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: expect.stringContaining('teal'),
            refusal: null,
          },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
        prompt_tokens_details: { cached_tokens: expect.any(Number) },
      },
      conversation_id: id,
      turn_id: first.headers.get('x-turn-id'),
    });

    const second = await server.request('/c1/chat', { body: recall(id, ',"stream":false') });
    expect(second.headers.get('x-conversation-id')).toBe(id);
    const reply = (await second.json()) as Reply;
    expect(reply.choices[0].message.content).toContain('teal');
    expect(reply.turn_id).not.toBe(first.headers.get('x-turn-id'));
  });

  test('works as a stream too, and reuses the prefix of the turn before', async () => {
    const first = await server.request('/c1/chat', {
      body: teal.replace('"stream":false', '"stream":true'),
    });
    expect(first.headers.get('content-type')).toBe('text/event-stream');
    expect(joinedText(framesOf(await first.text()))).toContain('teal');
    const id = first.headers.get('x-conversation-id');

    const more = ',"stream":true,"stream_options":{"include_usage":true}';
    const second = await server.request('/c1/chat', { body: recall(id, more) });
    const frames = framesOf(await second.text());
    expect(joinedText(frames)).toContain('teal');
    const { usage } = JSON.parse(frames.at(-2)?.data ?? '') as {
      usage: { prompt_tokens_details: { cached_tokens: number } };
    };
    expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(0);
  });

  test('a new conversation knows nothing of the old one', async () => {
    await server.request('/c1/chat', { body: teal });
    const reply = await said(server, {
      model: 'llama-4-scout',
      message: 'What is my favourite colour?',
    });
    expect(reply.choices[0].message.content).not.toContain('teal');
  });

  test('the token may come as x-api-key, and without one nothing is begun', async () => {
    const key = await fetch(`${server.url}/c1/chat`, {
      method: 'POST',
      headers: { 'x-api-key': TOKEN, 'content-type': 'application/json' },
      body: teal,
    });
    expect(key.status).toBe(200);
    const none = await fetch(`${server.url}/c1/chat`, { method: 'POST', body: teal });
    expect(none.status).toBe(401);
    expect(none.headers.get('x-conversation-id')).toBeNull();
  });
});

describe('a stream', () => {
  test('numbers its events <turn>.<seq> from 0 without gaps, and ends with [DONE]', async () => {
    upstream.script = (call) => replySse(call, streamOf(['one ', 'two ', 'three']));
    const response = await chat(gateway, { message: 'count', stream: true });
    const turn = response.headers.get('x-turn-id');
    const frames = framesOf(await response.text());
    expect(frames.at(-1)).toEqual({ id: null, data: '[DONE]' });
    expect(frames.slice(0, -1).map(({ id }) => id)).toEqual(
      [0, 1, 2, 3, 4].map((seq) => `${turn}.${seq}`),
    );
    expect(joinedText(frames)).toBe('one two three');
    for (const { data } of frames.slice(0, -1)) {
      expect(JSON.parse(data)).toMatchObject({
        object: 'chat.completion.chunk',
        model: 'test-model',
        choices: [{ index: 0 }],
      });
    }
  });

  test('shows usage only to those who ask for it, and no seq is lost over it', async () => {
    upstream.script = (call) => replySse(call, streamOf(['hi']));
    const silent = await chat(gateway, { message: 'hi', stream: true });
    expect(await silent.text()).not.toContain('usage');
    const asked = await chat(gateway, {
      message: 'hi',
      stream: true,
      stream_options: { include_usage: true },
    });
    const frames = framesOf(await asked.text());
    expect(JSON.parse(frames.at(-2)?.data ?? '')).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 },
    });
    expect(frames.at(-2)?.id).toBe(`${asked.headers.get('x-turn-id')}.3`);
  });

  test('takes the usage off a chunk that also says something', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    upstream.script = (call) =>
      replySse(call, [chunk({ content: 'x' }, 'stop', { usage }), '[DONE]']);
    const frames = framesOf(await (await chat(gateway, { message: 'hi', stream: true })).text());
    expect(frames).toHaveLength(2);
    expect(frames[0]?.data).not.toContain('usage');
    expect(joinedText(frames)).toBe('x');
  });

  test('is made of a whole reply too, where the upstream does not stream', async () => {
    upstream.script = (call) => replyJson(call, completion('all at once'));
    const response = await chat(gateway, { message: 'hi', stream: true });
    const frames = framesOf(await response.text());
    expect(joinedText(frames)).toBe('all at once');
    expect(frames.at(-1)?.data).toBe('[DONE]');
  });

  test('passes members on that the gateway does not know, and a whole reply joins them', async () => {
    const events = [
      chunk({ role: 'assistant', reasoning: 'Let me ' }),
      chunk({ reasoning: 'think.', reasoning_details: [{ type: 'a' }] }),
      chunk({ content: 'Yes', reasoning_details: [{ type: 'b' }] }, null, { provider: 'X' }),
      chunk({ content: '.' }, 'stop', { timings: { cache_n: 3 } }),
      '[DONE]',
    ];
    upstream.script = (call) => replySse(call, events);
    const streamed = await (await chat(gateway, { message: 'hi', stream: true })).text();
    expect(streamed).toContain('"reasoning_details":[{"type":"b"}]');
    expect(streamed).toContain('"timings":{"cache_n":3}');

    const whole = await said(gateway, { message: 'hi' });
    expect(whole).toMatchObject({ provider: 'X', timings: { cache_n: 3 } });
    expect(whole.choices[0].message).toEqual({
      role: 'assistant',
      content: 'Yes.',
      refusal: null,
      reasoning: 'Let me think.',
      reasoning_details: [{ type: 'a' }, { type: 'b' }],
    });
    const stored = await conversation(gateway, whole.conversation_id);
    expect(stored.messages[1]).toMatchObject({ content: 'Yes.', reasoning: 'Let me think.' });
  });
});
