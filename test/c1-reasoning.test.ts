// A conversation with a model that thinks, over real sockets: what it thought goes back with the history to the kinds
// of upstream that want it, in stable bytes, and to no other.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chat, conversation, framesOf, said, sentMember } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  replyJson,
  replySse,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';

let upstream: FakeUpstream;
const started: TestGateway[] = [];
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await Promise.all(started.map((gateway) => gateway.close()));
  await upstream.close();
});

async function start(kind: string, more = '', rest = ''): Promise<TestGateway> {
  const gateway = await startGateway(`
catalogue: replace
upstreams:
  fake: { kind: ${kind}, base_url: ${upstream.url}, ${more} }
models:
  test-model: { targets: [{ upstream: fake, model: fake-model }] }
${rest}`);
  started.push(gateway);
  return gateway;
}

const detail = (more: object) => ({ type: 'reasoning.text', index: 0, ...more });

/** Thinks in two fragments under each name that engines use, signs, and says `content`. */
function thinkAndSay(content: string): void {
  upstream.script = (call) =>
    replySse(call, [
      chunk({
        role: 'assistant',
        reasoning: 'Let ',
        reasoning_details: [detail({ text: 'Let ' })],
      }),
      chunk({ reasoning: 'me.', reasoning_details: [detail({ text: 'me.' })] }),
      chunk({ reasoning_details: [detail({ signature: 'Eq+/=' })] }),
      chunk({ content }),
      chunk({}, 'stop'),
      '[DONE]',
    ]);
}

const prompt = () => sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'messages') ?? '';

async function threeTurns(gateway: TestGateway): Promise<{ id: string; prompts: string[] }> {
  const prompts: string[] = [];
  let id: string | undefined;
  for (const word of ['one', 'two', 'three']) {
    thinkAndSay(word);
    const reply = await said(gateway, {
      message: `say ${word}`,
      ...(id === undefined ? {} : { conversation_id: id }),
    });
    id = reply.conversation_id;
    prompts.push(prompt());
  }
  return { id: id ?? '', prompts };
}

const REPLAYED: Readonly<Record<string, string>> = {
  vllm: ',"reasoning":"Let me."',
  'llama.cpp': ',"reasoning_content":"Let me."',
  sglang: ',"reasoning_content":"Let me."',
  lmstudio: ',"reasoning_content":"Let me."',
  openrouter:
    ',"reasoning_details":[{"type":"reasoning.text","index":0,"text":"Let me.","signature":"Eq+/="}]',
  openai: '',
  azure: '',
};

for (const [kind, replayed] of Object.entries(REPLAYED)) {
  test(`a conversation at ${kind} gets ${replayed === '' ? 'nothing' : replayed.slice(2, replayed.indexOf('":'))} back, and each prompt extends the one before`, async () => {
    const { prompts } = await threeTurns(await start(kind));
    const [first = '', second = '', third = ''] = prompts;
    const sealed = (word: string) => `{"role":"assistant","content":"${word}"${replayed}}`;
    expect(second).toStartWith(`${first.slice(0, -1)},${sealed('one')}`);
    expect(third).toStartWith(`${second.slice(0, -1)},${sealed('two')}`);
  });
}

test('a native Ollama gets it as thinking', async () => {
  const gateway = await startGateway(`
catalogue: replace
upstreams:
  box: { kind: ollama, base_url: ${upstream.url.replace(/\/v1$/, '')} }
models:
  test-model: { targets: [{ upstream: box, model: m }] }`);
  started.push(gateway);
  upstream.script = (call) => {
    const line = (message: object, more: object = {}) =>
      `${JSON.stringify({ message: { role: 'assistant', content: '', ...message }, ...more })}\n`;
    const end = { done: true, done_reason: 'stop' };
    const body = line({ thinking: 'Hm' }) + line({ content: 'yes' }) + line({}, end);
    return replyJson(call, body, { headers: { 'content-type': 'application/x-ndjson' } });
  };
  const { conversation_id } = await said(gateway, { message: 'a' });
  await said(gateway, { message: 'b', conversation_id });
  expect(prompt()).toContain('{"role":"assistant","content":"yes","thinking":"Hm"}');
});

test("Anthropic's signed and redacted thinking goes back exactly, in its places", async () => {
  const gateway = await start('anthropic', 'api_key: k');
  upstream.script = async (call) => {
    await beginSse(call);
    await call.send(fixture('anthropic-thinking'));
    call.end();
  };
  const { conversation_id } = await said(gateway, { message: '27 * 453?' });
  await said(gateway, { message: 'sure?', conversation_id });
  const [, answer] = JSON.parse(prompt()) as { role: string; content: object[] }[];
  expect(answer?.role).toBe('assistant');
  expect(answer?.content.slice(0, 3)).toMatchObject([
    {
      type: 'thinking',
      thinking: '27 is odd, so halve 453…',
      signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds/8f7Nq+KYUo==',
    },
    {
      type: 'redacted_thinking',
      data: 'EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP',
    },
    { type: 'text', text: '12,231' },
  ]);
});

test('an operator can say for one upstream in which member, or that nothing goes back', async () => {
  const deepseek = await threeTurns(await start('openai', 'reasoning_history: reasoning_content'));
  expect(deepseek.prompts.at(-1)).toContain('"content":"one","reasoning_content":"Let me."}');
  const none = await threeTurns(await start('vllm', 'reasoning_history: none'));
  expect(none.prompts.at(-1)).not.toContain('Let me.');
});

describe('what is stored and shown', () => {
  test('holds the details whole, in the reply, in the conversation and in its export', async () => {
    const gateway = await start('openrouter');
    thinkAndSay('hi');
    const reply = await said(gateway, { message: 'a' });
    const whole = [detail({ text: 'Let me.', signature: 'Eq+/=' })];
    expect(reply.choices[0].message['reasoning_details']).toEqual(whole);
    const stored = await conversation(gateway, reply.conversation_id);
    expect(stored.messages[1]).toMatchObject({ content: 'hi', reasoning_details: whole });
  });

  test('is in a stream as it comes, fragment by fragment', async () => {
    const gateway = await start('openrouter');
    thinkAndSay('hi');
    const response = await chat(gateway, { message: 'a', stream: true });
    const frames = framesOf(await response.text()).map(({ data }) => data);
    expect(frames.filter((data) => data.includes('"reasoning_details"'))).toHaveLength(3);
  });
});

test('a title is asked for after the same bytes', async () => {
  const gateway = await start('vllm', '', 'turns: { titles: model }');
  upstream.script = (call) => {
    if (call.body.includes('"stream":false')) {
      titled.resolve(call.body);
      return replyJson(call, { choices: [{ message: { content: 'T' }, finish_reason: 'stop' }] });
    }
    return replySse(call, [chunk({ reasoning: 'Hm' }), chunk({ content: 'ok' }, 'stop'), '[DONE]']);
  };
  const titled = Promise.withResolvers<string>();
  const { conversation_id } = await said(gateway, { message: 'a' });
  const messages = sentMember({ body: await titled.promise }, 'messages') ?? '';
  await said(gateway, { message: 'b', conversation_id });
  const next = prompt();
  const shared = '{"role":"assistant","content":"ok","reasoning":"Hm"}';
  const upTo = (text: string) => text.slice(0, text.indexOf(shared) + shared.length);
  expect(messages).toContain(shared);
  expect(upTo(messages)).toBe(upTo(next));
});
