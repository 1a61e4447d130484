// turns: { titles: model }: the model is asked for a title by adding to the prompt that it has just computed.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { chat, conversation, gif, idsOf, said, sentMember, sentMessages } from './harness/c1.ts';
import {
  chunk,
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream, 'turns: { titles: model }'));
});
beforeEach(() => {
  upstream.calls.length = 0;
  answer = streamOf(['the ', 'answer']);
  titleReply = (call) => replyJson(call, completion('A model’s title'));
  upstream.script = (call) => (isForTitle(call) ? titleReply(call) : replySse(call, answer));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

let answer: readonly (string | object)[] = [];
let titleReply: (call: UpstreamCall) => Promise<void> = () => Promise.resolve();

const isForTitle = (call: UpstreamCall) => sentMember(call, 'stream') === 'false';
const messagesOf = (call: UpstreamCall | undefined) =>
  sentMember(call ?? { body: '{}' }, 'messages') ?? '';

/** Resolves when no turn is open any more: a title belongs to its turn. */
async function settled(): Promise<void> {
  while (gateway.gateway.openWork() > 0) await Bun.sleep(1);
}

test('the title is asked for by adding to the first prompt and its answer, byte for byte', async () => {
  const { conversation_id } = await said(gateway, {
    message: 'Spacing:  "kept" \u00e9',
    system: 'Be brief.',
    tools: [{ type: 'function', function: { name: 'f' } }],
    user_id: 'ann',
    temperature: 1.5,
    max_tokens: 5000,
  });
  await settled();
  const [first, title, ...more] = upstream.calls;
  expect(more).toEqual([]);
  expect(messagesOf(title)).toStartWith(
    `${messagesOf(first).slice(0, -1)},{"role":"assistant","content":"the answer"},{"role":"user",`,
  );
  expect(sentMessages(title)).toHaveLength(4);
  // What the template renders before the messages is part of the prefix.
  expect(sentMember(title ?? { body: '{}' }, 'tools')).toBe(
    sentMember(first ?? { body: '{}' }, 'tools') ?? 'none',
  );
  expect(JSON.parse(title?.body ?? '')).toMatchObject({ model: 'fake-model', max_tokens: 64 });
  const stored = await conversation(gateway, conversation_id, '?user_id=ann');
  expect(stored).toMatchObject({ title: 'A model’s title', message_count: 2 });
});

test('only the first turn asks for one', async () => {
  const { conversation_id } = await said(gateway, { message: 'one' });
  await settled();
  titleReply = (call) => replyJson(call, completion('Another'));
  await said(gateway, { conversation_id, message: 'two' });
  await said(gateway, { conversation_id, parent: null, message: 'one, edited' });
  await settled();
  expect(upstream.calls.filter(isForTitle)).toHaveLength(1);
  expect((await conversation(gateway, conversation_id)).title).toBe('A model’s title');
});

test('a turn that failed asks for none', async () => {
  answer = [chunk({ content: 'half' })];
  expect((await chat(gateway, { message: 'one' })).status).toBe(502);
  await settled();
  expect(upstream.calls).toHaveLength(1);
});

test('the answer is there before the title, and a person’s title stays', async () => {
  const held = Promise.withResolvers<UpstreamCall>();
  titleReply = (call) => {
    held.resolve(call);
    return Promise.resolve();
  };
  const { conversation_id: id } = await said(gateway, { message: 'one' });
  const call = await held.promise;
  const path = `/c1/conversations/${id}`;
  await gateway.request(path, { method: 'PATCH', body: { title: 'Mine' } });
  await replyJson(call, completion('The model’s'));
  await settled();
  expect((await conversation(gateway, id)).title).toBe('Mine');
});

test('the next turn does not wait for the title, and the title is not about it', async () => {
  const held = Promise.withResolvers<UpstreamCall>();
  titleReply = (call) => {
    held.resolve(call);
    return Promise.resolve();
  };
  const { conversation_id } = await said(gateway, { message: 'one' });
  const call = await held.promise;
  await said(gateway, { conversation_id, message: 'two' });
  await replyJson(call, completion('Late'));
  await settled();
  expect(await conversation(gateway, conversation_id)).toMatchObject({
    title: 'Late',
    message_count: 4,
  });
});

test.each([
  ['  "Quoted title."\n', 'Quoted title'],
  ['“Two\nlines”', 'Two lines'],
  [`${'x'.repeat(199)}👍🏽`, `${'x'.repeat(199)}…`],
])('the model’s %j is the title %j', async (content, title) => {
  titleReply = (call) => replyJson(call, completion(content));
  const { conversation_id } = await said(gateway, { message: 'one' });
  await settled();
  expect((await conversation(gateway, conversation_id)).title).toBe(title);
});

test.each([
  ['says nothing', (call: UpstreamCall) => replyJson(call, completion('   '))],
  ['has no choice', (call: UpstreamCall) => replyJson(call, completion('x', { choices: [] }))],
  [
    'calls a tool',
    (call: UpstreamCall) =>
      replyJson(
        call,
        completion('', {
          choices: [{ index: 0, message: { content: null }, finish_reason: 'tool_calls' }],
        }),
      ),
  ],
])('an upstream that %s leaves the first message as the title', async (_, reply) => {
  titleReply = reply;
  const { conversation_id } = await said(gateway, { message: 'first words' });
  await settled();
  expect((await conversation(gateway, conversation_id)).title).toBe('first words');
});

test.each([
  ['fails', (call: UpstreamCall) => replyJson(call, { error: { message: 'no' } }, { status: 500 })],
  [
    'refuses',
    (call: UpstreamCall) => replyJson(call, { error: { message: 'no' } }, { status: 400 }),
  ],
  ['sends nonsense', (call: UpstreamCall) => replyJson(call, '<html>')],
  [
    'breaks off',
    (call: UpstreamCall) => {
      call.reset();
      return Promise.resolve();
    },
  ],
])('an upstream that %s harms nothing, and is in the log', async (_, reply) => {
  titleReply = reply;
  const response = await chat(gateway, { message: 'first words' });
  const { id, turn } = idsOf(response);
  expect(response.status).toBe(200);
  await settled();
  await gateway.logged('background work failed', `suggesting a title after turn ${turn}`);
  expect(await conversation(gateway, id)).toMatchObject({
    title: 'first words',
    message_count: 2,
  });
  const turns = await gateway.request(`/c1/turns/${turn}`);
  expect(await turns.json()).toMatchObject({ status: 'completed', text: 'the answer' });
});

test('a first answer that calls tools is no prompt to add to: no title is asked for', async () => {
  const call = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
  answer = [chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]'];
  const { conversation_id } = await said(gateway, { message: 'first words' });
  await settled();
  expect(upstream.calls).toHaveLength(1);
  expect((await conversation(gateway, conversation_id)).title).toBe('first words');
});

test('a first answer that draws goes into the prompt with its picture', async () => {
  const images = [{ type: 'image_url', image_url: { url: gif(77) } }];
  answer = [chunk({ content: 'Here:', images }), chunk({}, 'stop'), '[DONE]'];
  const { conversation_id } = await said(gateway, { message: 'draw', images: [gif(78)] });
  await settled();
  const [first, title] = upstream.calls;
  expect(messagesOf(title)).toStartWith(`${messagesOf(first).slice(0, -1)},`);
  expect(sentMessages(title)[1] as object).toEqual({ role: 'assistant', content: 'Here:', images });
  expect((await conversation(gateway, conversation_id)).title).toBe('A model’s title');
});

test('without the setting nobody is asked', async () => {
  const plain = await startGateway(configFor(upstream));
  const { conversation_id } = await said(plain, { message: 'first words' });
  expect(upstream.calls).toHaveLength(1);
  expect((await conversation(plain, conversation_id)).title).toBe('first words');
  await plain.close();
});
