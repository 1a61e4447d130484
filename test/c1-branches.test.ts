// Branches: answering again, editing an earlier message, and going back and forth between what came of it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  errorOf,
  holdCalls,
  said,
  sentMember,
  sentMessages,
  shownTurn,
  type StoredConversation,
} from './harness/c1.ts';
import {
  chunk,
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
beforeEach(() => {
  let answers = 0;
  upstream.script = (call) => replySse(call, streamOf([`answer ${++answers}`]));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const contents = ({ messages }: StoredConversation) => messages.map(({ content }) => content);
const prompt = () => sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'messages') ?? '';
const asked = () => sentMessages(upstream.calls.at(-1)).map(({ content }) => content);

/** A conversation of two turns, and the ids of its messages. */
async function twoTurns(more: object = {}) {
  const { conversation_id: id } = await said(gateway, { message: 'one', ...more });
  await said(gateway, { conversation_id: id, message: 'two' });
  const stored = await conversation(gateway, id);
  const [q1 = '', a1 = '', q2 = '', a2 = ''] = stored.messages.map((message) => message.id);
  return { id, q1, a1, q2, a2 };
}

const moveHead = (id: string, head: string) =>
  gateway.request(`/c1/conversations/${id}`, { method: 'PATCH', body: { head } });

describe('a branch', () => {
  test('answers the last message again: same prompt, new head, nothing lost', async () => {
    const { id, q2, a2 } = await twoTurns();
    const before = prompt();
    const { turn_id } = await said(gateway, { conversation_id: id, parent: q2 });
    expect(prompt()).toBe(before);
    const stored = await conversation(gateway, id);
    expect(contents(stored)).toEqual(['one', 'answer 1', 'two', 'answer 3']);
    expect(stored.messages[2]?.id).toBe(q2);
    expect(stored.head).not.toBe(a2);
    expect(await shownTurn(gateway, turn_id)).toMatchObject({
      parent: q2,
      input_node: q2,
      output_node: stored.head,
    });
  });

  test('answers an earlier message again', async () => {
    const { id, q1 } = await twoTurns();
    await said(gateway, { conversation_id: id, parent: q1 });
    expect(asked()).toEqual(['one']);
    expect(contents(await conversation(gateway, id))).toEqual(['one', 'answer 3']);
  });

  test('edits a message: a sibling under the message before it', async () => {
    const { id, a1, q2 } = await twoTurns();
    await said(gateway, { conversation_id: id, parent: a1, message: 'two, edited' });
    expect(asked()).toEqual(['one', 'answer 1', 'two, edited']);
    const stored = await conversation(gateway, id);
    expect(contents(stored)).toEqual(['one', 'answer 1', 'two, edited', 'answer 3']);
    expect(stored.messages[2]).toMatchObject({ parent: a1 });
    expect(stored.messages[2]?.id).not.toBe(q2);
  });

  test('edits the first message under null, and keeps the system prompt', async () => {
    const { id } = await twoTurns({ system: 'Be kind.' });
    await said(gateway, { conversation_id: id, parent: null, message: 'one, edited' });
    expect(asked()).toEqual(['Be kind.', 'one, edited']);
    const stored = await conversation(gateway, id);
    expect(contents(stored)).toEqual(['one, edited', 'answer 3']);
    expect(stored.messages[0]?.parent ?? null).toBeNull();
  });

  test('goes on from the new answer, byte for byte', async () => {
    const { id, a1 } = await twoTurns();
    await said(gateway, { conversation_id: id, parent: a1, message: 'edited' });
    const before = prompt();
    await said(gateway, { conversation_id: id, message: 'and then' });
    expect(prompt()).toStartWith(`${before.slice(0, -1)},`);
    expect(asked()).toEqual(['one', 'answer 1', 'edited', 'answer 3', 'and then']);
  });

  test('answers tool results again', async () => {
    const call = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    upstream.script = (held) =>
      replySse(held, [chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]']);
    const { conversation_id } = await said(gateway, { message: 'use f' });
    upstream.script = (held) => replySse(held, streamOf(['used']));
    await said(gateway, { conversation_id, tool_results: [{ tool_call_id: 'a', content: 'r' }] });
    const before = prompt();
    const { messages } = await conversation(gateway, conversation_id);
    await said(gateway, { conversation_id, parent: messages[2]?.id });
    expect(prompt()).toBe(before);
    // Other results for the same call are a sibling too.
    const tool_results = [{ tool_call_id: 'a', content: 'other' }];
    await said(gateway, { conversation_id, parent: messages[1]?.id, tool_results });
    expect(asked()).toEqual(['use f', null, 'other']);
  });

  test('that fails leaves the head on the branch where it was', async () => {
    const { id, a1, a2 } = await twoTurns();
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const response = await chat(gateway, { conversation_id: id, parent: a1, message: 'edited' });
    expect(response.status).toBe(502);
    expect((await conversation(gateway, id)).head).toBe(a2);
  });

  test('holds to expected_head: that is the head, not the parent', async () => {
    const { id, a1, a2 } = await twoTurns();
    const body = { conversation_id: id, parent: a1, message: 'edited' };
    const stale = await chat(gateway, { ...body, expected_head: a1 });
    expect(stale.status).toBe(409);
    expect(await errorOf(stale)).toMatchObject({ code: 'head_moved', param: 'expected_head' });
    await said(gateway, { ...body, expected_head: a2 });
  });

  test('is one turn however often it is asked for with a key', async () => {
    const { id, q2 } = await twoTurns();
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const body = { conversation_id: id, parent: q2 };
    const first = await (await chat(gateway, body, { headers })).text();
    expect(await (await chat(gateway, body, { headers })).text()).toBe(first);
    expect((await tree(id)).messages).toHaveLength(5);
  });
});

const tree = (id: string) => conversation(gateway, id, '?tree=1');

describe('all branches', () => {
  test('are in the tree, parents before children, and count in the head’s path alone', async () => {
    const { id, q1, a1, q2, a2 } = await twoTurns();
    await said(gateway, { conversation_id: id, parent: q2 });
    await said(gateway, { conversation_id: id, parent: a1, message: 'two, edited' });
    await said(gateway, { conversation_id: id, parent: null, message: 'one, edited' });
    const { messages, message_count, head, turns } = await tree(id);
    expect(message_count).toBe(2);
    const answers = messages.filter(({ role }) => role === 'assistant').map((node) => node.id);
    const made = (turns as { output_node: string }[]).map(({ output_node }) => output_node);
    expect(made.toSorted()).toEqual(answers.toSorted());
    expect(messages).toHaveLength(9);
    const place = new Map(messages.map((message, at) => [message.id, at]));
    for (const [at, { parent }] of messages.entries()) {
      if (parent !== null) expect(place.get(parent)).toBeLessThan(at);
    }
    const childrenOf = (node: string) =>
      messages.filter(({ parent }) => parent === node).map(({ content }) => content);
    expect(childrenOf(q1)).toEqual(['answer 1']);
    expect(childrenOf(a1)).toEqual(['two', 'two, edited']);
    expect(childrenOf(q2)).toEqual(['answer 2', 'answer 3']);
    expect([place.has(a2), place.has(head ?? '')]).toEqual([true, true]);
  });

  test('are found by a search only where the head is', async () => {
    const word = `zebra${crypto.randomUUID().slice(0, 8)}`;
    const { id, a1, a2 } = await twoTurns();
    const found = async () => {
      const response = await gateway.request(`/c1/conversations?q=${word}`);
      return ((await response.json()) as { total: number }).total;
    };
    await said(gateway, { conversation_id: id, parent: a1, message: word });
    const { head } = await conversation(gateway, id);
    expect(await found()).toBe(1);
    await moveHead(id, a2);
    expect(await found()).toBe(0);
    await moveHead(id, head ?? '');
    expect(await found()).toBe(1);
  });
});

describe('moving the head', () => {
  test('goes back to a branch, and the next turn continues that', async () => {
    const { id, a1, a2 } = await twoTurns();
    const second = prompt();
    await said(gateway, { conversation_id: id, parent: a1, message: 'edited' });
    const moved = await moveHead(id, a2);
    expect(moved.status).toBe(200);
    expect(await moved.json()).toMatchObject({ id, head: a2, message_count: 4 });
    await said(gateway, { conversation_id: id, message: 'three' });
    expect(prompt()).toStartWith(`${second.slice(0, -1)},`);
    expect(asked()).toEqual(['one', 'answer 1', 'two', 'answer 2', 'three']);
  });

  test('goes on with the tools that the branch had', async () => {
    const { id, a2 } = await twoTurns();
    const tools = [{ type: 'function', function: { name: 'f' } }];
    await said(gateway, { conversation_id: id, message: 'three', tools });
    await moveHead(id, a2);
    expect(await conversation(gateway, id)).toMatchObject({ tools: [], message_count: 4 });
    await said(gateway, { conversation_id: id, message: 'three again' });
    expect(sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'tools')).toBeUndefined();
  });

  test('may go to a question, which can then be answered again', async () => {
    const { id, q2 } = await twoTurns();
    expect((await moveHead(id, q2)).status).toBe(200);
    await said(gateway, { conversation_id: id, parent: q2 });
    expect(asked()).toEqual(['one', 'answer 1', 'two']);
  });

  test('changes the title along with it, or nothing at all', async () => {
    const { id, a1, a2 } = await twoTurns();
    const patch = (body: object) =>
      gateway.request(`/c1/conversations/${id}`, { method: 'PATCH', body });
    expect(await (await patch({ head: a1, title: 'Both' })).json()).toMatchObject({
      head: a1,
      title: 'Both',
    });
    expect((await patch({ head: 'node_x', title: 'Neither' })).status).toBe(400);
    expect(await conversation(gateway, id)).toMatchObject({ head: a1, title: 'Both' });
    expect((await patch({ head: a2 })).status).toBe(200);
  });

  test('is refused for a message that is not there, and while a turn runs', async () => {
    const [{ id, a1 }, other] = [await twoTurns(), await twoTurns()];
    for (const head of ['node_x', other.a1]) {
      const response = await moveHead(id, head);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ code: 'invalid_field', param: 'head' });
    }
    const held = holdCalls(upstream);
    const pending = chat(gateway, { conversation_id: id, message: 'slowly' });
    const call = await held;
    const busy = await moveHead(id, a1);
    expect(busy.status).toBe(409);
    expect(await errorOf(busy)).toMatchObject({ code: 'conversation_busy', param: 'head' });
    await replySse(call, streamOf(['done']));
    expect((await pending).status).toBe(200);
    expect((await moveHead('conv_x', a1)).status).toBe(404);
  });
});

describe('a parent', () => {
  const refused = async (body: object, status = 400) => {
    const calls = upstream.calls.length;
    const response = await chat(gateway, body);
    expect(response.status).toBe(status);
    expect(upstream.calls.length).toBe(calls);
    return await errorOf(response);
  };

  test('that is no message of the conversation is refused', async () => {
    const [{ id }, other] = [await twoTurns(), await twoTurns()];
    for (const parent of ['node_x', other.q2]) {
      for (const message of ['hi', undefined]) {
        expect(await refused({ conversation_id: id, parent, message })).toMatchObject({
          code: 'invalid_field',
          param: 'parent',
        });
      }
    }
  });

  test('needs its conversation', async () => {
    const { q2 } = await twoTurns();
    for (const parent of [q2, null]) {
      expect(await refused({ parent, message: 'hi' })).toMatchObject({
        code: 'missing_field',
        param: 'conversation_id',
      });
    }
    const gone = await refused({ conversation_id: 'conv_x', parent: q2, message: 'hi' }, 404);
    expect(gone).toMatchObject({ code: 'conversation_not_found' });
  });

  test('that is an answer, or null, needs a message', async () => {
    const { id, a2 } = await twoTurns();
    for (const parent of [a2, null]) {
      expect(await refused({ conversation_id: id, parent })).toMatchObject({
        code: 'missing_field',
        param: 'message',
      });
    }
  });

  test('is a text or null', async () => {
    const { id } = await twoTurns();
    for (const parent of ['', 7, []]) {
      expect(await refused({ conversation_id: id, parent, message: 'hi' })).toMatchObject({
        code: 'invalid_field',
        param: 'parent',
      });
    }
  });
});
