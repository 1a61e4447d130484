// Prefix caches: what a turn should find in the engine's, and who shares it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { startDemoEngine } from '../src/demo/engine.ts';
import { chat, conversation, idsOf, said, sentMember, shownTurn } from './harness/c1.ts';
import {
  chunk,
  configFor,
  replySse,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
/** Another token over the same database. */
let foreign: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(config());
  foreign = await startGateway(config(), { directory: gateway.directory, bearer: 'another' });
});
beforeEach(() => {
  usage = { prompt_tokens: 100, completion_tokens: 28 };
  upstream.script = (call) =>
    replySse(call, [
      chunk({ content: 'ok' }),
      chunk({}, 'stop'),
      ...(usage === null ? [] : [{ ...chunk({}), choices: [], usage }]),
      '[DONE]',
    ]);
});
afterAll(async () => {
  await foreign.close();
  await gateway.close();
  await upstream.close();
});

let usage: object | null = null;

/** One fake under several kinds; an alias of each. */
function config(more = ''): string {
  const kinds = ['vllm', 'llama.cpp', 'openai', 'sglang'];
  const upstreams = kinds.map((kind) => `  ${kind}: { kind: ${kind}, base_url: ${upstream.url} }`);
  const models = kinds.map((kind) => `  ${kind}: { targets: [{ upstream: ${kind}, model: m }] }`);
  return `
catalogue: replace
upstreams:
${upstreams.join('\n')}
models:
${models.join('\n')}
  test-model: { targets: [{ upstream: vllm, model: m }, { upstream: openai, model: m }] }
${more}`;
}

describe('the tokens that a turn should find cached', () => {
  const expectedBy = async (body: object) => {
    const { turn_id, conversation_id } = await said(gateway, body);
    const { usage: counted } = await shownTurn(gateway, turn_id);
    return { id: conversation_id, expected: counted.expected_cached_tokens };
  };

  test.each([
    ['vllm', 112],
    ['openai', 112],
    ['sglang', 112],
    ['llama.cpp', 127],
  ])(
    'are none on the first turn, then what %s keeps of the turn before: %p',
    async (model, kept) => {
      const first = await expectedBy({ model, message: 'one' });
      expect(first.expected).toBe(0);
      usage = { prompt_tokens: 300, completion_tokens: 0 };
      const second = await expectedBy({ model, conversation_id: first.id, message: 'two' });
      expect(second.expected).toBe(kept);
    },
  );

  test('are none after a new epoch and on another upstream, and then count again', async () => {
    const first = await expectedBy({ message: 'one' });
    const next = (more: object = {}) =>
      expectedBy({ conversation_id: first.id, message: 'next', ...more });
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect((await next({ tools })).expected).toBe(0);
    expect((await next({ tools })).expected).toBe(112);
    expect((await next({ tool_choice: 'none' })).expected).toBe(0);
    expect((await next({ tool_choice: 'none', provider: 'openai' })).expected).toBe(0);
    // It stays where its prompt is.
    expect((await next({ tool_choice: 'none' })).expected).toBe(112);
  });

  test('are those of the branch that goes on', async () => {
    const first = await expectedBy({ message: 'one' });
    usage = { prompt_tokens: 500, completion_tokens: 29 };
    const { id } = await expectedBy({ conversation_id: first.id, message: 'two' });
    const { messages } = await conversation(gateway, id);
    const [question, answer, second] = messages.map((message) => message.id);
    const branch = (body: object) => expectedBy({ conversation_id: id, ...body });
    expect((await branch({ parent: answer, message: 'edited' })).expected).toBe(112);
    expect((await branch({ parent: second })).expected).toBe(112);
    expect((await branch({ parent: question })).expected).toBe(0);
    expect((await branch({ parent: null, message: 'anew' })).expected).toBe(0);
  });

  test('are not known after a turn that the upstream did not count', async () => {
    usage = null;
    const { id, expected } = await expectedBy({ message: 'one' });
    expect(expected).toBe(0);
    expect((await expectedBy({ conversation_id: id, message: 'two' })).expected).toBeNull();
  });

  test('are found, every turn of a long conversation with an engine that caches', async () => {
    const engine = startDemoEngine({ tokenDelayMs: 0 });
    const demo = await startGateway(configFor(engine));
    let id: string | null = null;
    let last = -1;
    for (let turn = 0; turn < 10; turn++) {
      const body = { conversation_id: id, message: `Tell me more about topic ${turn}, please.` };
      const reply = await said(demo, body);
      id = reply.conversation_id;
      const { usage: told } = await shownTurn(demo, reply.turn_id);
      const expected = told.expected_cached_tokens ?? -1;
      expect(expected).toBeGreaterThan(last);
      expect(told.cached_tokens ?? -1).toBeGreaterThanOrEqual(expected);
      expect(Number(told['prompt_tokens'])).toBeGreaterThanOrEqual(expected);
      last = expected;
    }
    await demo.close();
    await engine.close();
  });
});

describe('a prefix that broke', () => {
  const counted = (cached: number | null) => ({
    prompt_tokens: 1_000,
    completion_tokens: 200,
    total_tokens: 1_200,
    ...(cached === null ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
  });
  const breakOf = async (cached: number | null, body: object) => {
    usage = counted(cached);
    const { turn_id, conversation_id } = await said(gateway, body);
    await gateway.logged('turn finished', turn_id);
    const line = gateway
      .logText()
      .split('\n')
      .find((each) => each.includes(turn_id) && each.includes('turn finished'));
    const logged = JSON.parse(line ?? '{}') as { prefix_break?: string; epoch_reason?: string };
    const { usage: told } = await shownTurn(gateway, turn_id);
    expect(logged.prefix_break ?? null).toBe(told.prefix_break);
    return { id: conversation_id, reason: told.prefix_break, epoch: logged.epoch_reason };
  };

  test('is told with its reason, in the turn and in the log', async () => {
    const first = await breakOf(0, { message: 'one' });
    expect(first.reason).toBeNull();
    const next = (cached: number | null, more: object = {}) =>
      breakOf(cached, { conversation_id: first.id, message: 'next', ...more });
    expect((await next(1_184)).reason).toBeNull();
    expect((await next(992)).reason).toBe('render');
    expect((await next(64)).reason).toBe('eviction');
    expect((await next(null)).reason).toBe('unknown');
    expect((await next(0, { provider: 'openai' })).reason).toBe('upstream');
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const provider = 'openai';
    expect(await next(64, { tools, provider })).toMatchObject({ reason: 'epoch', epoch: 'tools' });
    expect((await next(1_184, { tools, provider })).reason).toBeNull();
  });

  test('is nobody’s in a turn that did not end well', async () => {
    const { id } = await breakOf(0, { message: 'one' });
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const response = await chat(gateway, { conversation_id: id, message: 'two' });
    const { usage: told } = await shownTurn(gateway, idsOf(response).turn);
    expect(told.prefix_break).toBeNull();
  });

  test('shows in the reply’s usage: expected beside cached, the same when it is repeated', async () => {
    const { id } = await breakOf(0, { message: 'one' });
    const headers = { 'idempotency-key': crypto.randomUUID() };
    usage = counted(64);
    for (const stream of [false, true]) {
      const body = {
        conversation_id: id,
        message: 'two',
        stream,
        ...(stream ? { stream_options: { include_usage: true } } : {}),
      };
      const init = { headers: { 'idempotency-key': `${headers['idempotency-key']}-${stream}` } };
      const told = await (await chat(gateway, body, init)).text();
      expect(told).toContain('{"cached_tokens":64,"expected_cached_tokens":1184}');
      expect(await (await chat(gateway, body, init)).text()).toBe(told);
    }
  });
});

describe('cache_salt', () => {
  const saltFor = async (at: TestGateway, body: object) => {
    await said(at, { model: 'vllm', message: 'hi', ...body });
    const text = sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'cache_salt');
    return text === undefined ? null : (JSON.parse(text) as string);
  };

  test.each([
    ['user', 6],
    ['owner', 2],
  ])('shared by %s keeps %p of six askers apart, and tells nothing of them', async (by, apart) => {
    const own = await startGateway(config(`turns: { cache_salt: ${by} }`));
    const theirs = await startGateway(config(`turns: { cache_salt: ${by} }`), {
      directory: own.directory,
      bearer: 'another-token',
    });
    const salts: (string | null)[] = [];
    for (const at of [own, theirs]) {
      for (const user_id of [null, 'ann', 'null']) {
        const salt = await saltFor(at, { user_id });
        expect(await saltFor(at, { user_id })).toBe(salt);
        expect(salt).toMatch(/^[\w-]{43}$/);
        salts.push(salt);
      }
    }
    expect(new Set(salts).size).toBe(apart);
    await theirs.close();
    await own.close();
  });

  test('is per user unless configured, the same in all of their conversations', async () => {
    const { conversation_id } = await said(gateway, { user_id: 'ann', message: 'hi' });
    const ann = await saltFor(gateway, { user_id: 'ann' });
    expect(await saltFor(gateway, { user_id: 'ann', conversation_id })).toBe(ann);
    expect(await saltFor(gateway, { user_id: 'bob' })).not.toBe(ann);
    expect(await saltFor(foreign, { user_id: 'ann' })).not.toBe(ann);
  });

  test.each(['openai', 'llama.cpp', 'sglang'])('is not sent to %s', async (model) => {
    expect(await saltFor(gateway, { model })).toBeNull();
  });

  test('is not sent where everybody shares', async () => {
    const open = await startGateway(config('turns: { cache_salt: none }'));
    expect(await saltFor(open, { user_id: 'ann' })).toBeNull();
    await open.close();
  });

  test('of a client’s own does not reach vLLM: it could ask for somebody else’s', async () => {
    const ann = await saltFor(gateway, { user_id: 'ann' });
    const body = { user_id: 'bob', cache_salt: ann };
    expect(await saltFor(gateway, body)).not.toBe(ann);
    expect(upstream.calls.at(-1)?.body.split('"cache_salt"')).toHaveLength(2);
  });
});
