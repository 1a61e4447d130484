// Upstreams that do not count tokens: a client that asked for usage is given an estimate that says so, and nothing else
// takes it for a count.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chat, framesOf, said, shownTurn } from './harness/c1.ts';
import {
  chunk,
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { askStream, eventsIn } from './harness/v1.ts';

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

const ASKED = { stream_options: { include_usage: true } };

interface Told {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly unknown[];
  readonly usage?: { readonly [member: string]: unknown };
}

/** Says 35 bytes of text, thinks 35 and calls a tool with 35, without a count. */
function sayUncounted(): void {
  const fn = { name: 'look', arguments: 'x'.repeat(31) };
  upstream.script = (call) =>
    replySse(call, [
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning: 'y'.repeat(35), reasoning_content: 'y'.repeat(35) }),
      chunk({ content: 'z'.repeat(35) }),
      chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: fn }] }),
      chunk({}, 'stop'),
      '[DONE]',
    ]);
}

const counted = () => {
  upstream.script = (call) => replySse(call, streamOf(['hi']));
};

describe('/v1', () => {
  test('a stream that was asked for usage ends with an estimate, in a chunk like any other', async () => {
    sayUncounted();
    const events = eventsIn(await (await askStream(gateway, ASKED)).text());
    expect(events.at(-1)).toBe('[DONE]');
    const told = JSON.parse(events.at(-2) ?? '') as Told;
    expect(told).toMatchObject({
      id: 'chatcmpl-fake',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'test-model',
      choices: [],
      usage: { completion_tokens: 30, estimated: true },
    });
    const { prompt_tokens, total_tokens } = told.usage ?? {};
    expect(prompt_tokens).toBeGreaterThan(0);
    expect(total_tokens).toBe(Number(prompt_tokens) + 30);
  });

  test('a stream that was not asked, or whose upstream counts, has none', async () => {
    sayUncounted();
    expect(await (await askStream(gateway)).text()).not.toContain('usage');
    counted();
    const text = await (await askStream(gateway, ASKED)).text();
    expect(text).not.toContain('estimated');
    expect(text.match(/"usage":{/g)).toHaveLength(1);
  });

  test('a longer prompt, and one with tools, comes to more tokens', async () => {
    const promptOf = async (body: object) => {
      sayUncounted();
      const events = eventsIn(await (await askStream(gateway, { ...ASKED, ...body })).text());
      return Number((JSON.parse(events.at(-2) ?? '') as Told).usage?.['prompt_tokens']);
    };
    const short = await promptOf({});
    const messages = [{ role: 'user', content: 'word '.repeat(700) }];
    expect(await promptOf({ messages })).toBeGreaterThan(short + 900);
    const tools = [{ type: 'function', function: { name: 'f', description: 'd'.repeat(350) } }];
    expect(await promptOf({ tools })).toBeGreaterThan(short + 99);
  });

  test('a stream that fails is not made to look whole by it', async () => {
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const text = await (await askStream(gateway, ASKED)).text();
    expect(text).toContain('"code":"upstream_interrupted"');
    expect(text).not.toContain('estimated');
  });
});

describe('/c1', () => {
  test('whole replies and asked streams have it, resumed ones as well, and the turn has no count', async () => {
    sayUncounted();
    const reply = await said(gateway, { message: 'hi' });
    expect(reply['usage']).toMatchObject({ completion_tokens: 30, estimated: true });
    const { usage } = await shownTurn(gateway, reply.turn_id);
    expect(usage).toMatchObject({ prompt_tokens: null, completion_tokens: null });
    const response = await chat(gateway, { message: 'hi', stream: true, ...ASKED });
    const frames = framesOf(await response.text());
    expect(frames.at(-1)?.data).toBe('[DONE]');
    expect(JSON.parse(frames.at(-2)?.data ?? '')).toMatchObject({
      model: 'test-model',
      choices: [],
      usage: { completion_tokens: 30, estimated: true },
    });
    const turn = response.headers.get('x-turn-id') ?? '';
    const again = await gateway.request(`/c1/turns/${turn}/events`);
    expect(framesOf(await again.text()).slice(0, -1)).toEqual(frames.slice(0, -1));
  });

  test('a stream that was not asked, or whose upstream counts, has none', async () => {
    sayUncounted();
    const silent = await chat(gateway, { message: 'hi', stream: true });
    expect(await silent.text()).not.toContain('usage');
    counted();
    expect((await said(gateway, { message: 'hi' }))['usage']).toEqual({
      prompt_tokens: 7,
      completion_tokens: 1,
      total_tokens: 8,
    });
  });
});
