// A conversation's other lives: forks that share its history, and exports that another gateway takes in.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  conversation,
  errorOf,
  gif,
  rows,
  said,
  sentMember,
  sentMessages,
  shownTurn,
  type StoredConversation,
} from './harness/c1.ts';
import {
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
/** Another gateway with a database of its own. */
let elsewhere: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  elsewhere = await startGateway(configFor(upstream));
});
beforeEach(() => {
  let answers = 0;
  upstream.script = (call) => replySse(call, streamOf([`answer ${++answers}`]));
});
afterAll(async () => {
  await Promise.all([gateway.close(), elsewhere.close()]);
  await upstream.close();
});

const prompt = () => sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'messages') ?? '';

/** Two turns, the first with an image, and a branch that was left. */
async function withBranches(more: object = {}) {
  const first = { message: 'one', images: [gif(90)], system: 'Be brief.' };
  const { conversation_id: id } = await said(gateway, { ...first, ...more });
  await said(gateway, { conversation_id: id, message: 'left behind', ...more });
  const query = 'user_id' in more ? `?user_id=${String(more.user_id)}` : '';
  const { messages } = await conversation(gateway, id, query);
  const parent = messages[1]?.id ?? '';
  await said(gateway, { conversation_id: id, parent, message: 'two', ...more });
  return { id, parent, left: messages[3]?.id ?? '', prompt: prompt(), query };
}

describe('a fork', () => {
  const fork = (id: string, body?: object, query = '') =>
    gateway.request(`/c1/conversations/${id}/fork${query}`, {
      method: 'POST',
      ...(body ? { body } : {}),
    });
  const forked = async (id: string, body?: object, query = ''): Promise<StoredConversation> => {
    const response = await fork(id, body, query);
    expect(response.status).toBe(201);
    const made = (await response.json()) as StoredConversation;
    expect(response.headers.get('x-conversation-id')).toBe(made.id);
    return made;
  };

  test('at the head shares the history, and goes on with the same bytes', async () => {
    const source = await withBranches();
    const made = await forked(source.id);
    expect(made.id).not.toBe(source.id);
    expect(made).toMatchObject({ title: 'one', system: 'Be brief.', message_count: 4 });
    const [before, copy] = [
      await conversation(gateway, source.id),
      await conversation(gateway, made.id),
    ];
    expect(copy.messages).toEqual(before.messages);
    // The branch that was left is not of it.
    expect((await conversation(gateway, made.id, '?tree=1')).messages).toHaveLength(4);

    await said(gateway, { conversation_id: made.id, message: 'three' });
    expect(prompt()).toStartWith(`${source.prompt.slice(0, -1)},`);
    expect(await conversation(gateway, source.id)).toEqual(before);
  });

  test('at a message has what came up to it, and a title of its own', async () => {
    const source = await withBranches();
    const made = await forked(source.id, { node: source.parent, title: 'Another way' });
    expect(made).toMatchObject({ title: 'Another way', head: source.parent, message_count: 2 });
    await said(gateway, { conversation_id: made.id, message: 'other' });
    expect(sentMessages(upstream.calls.at(-1)).at(-1)?.content).toBe('other');
    const left = await forked(source.id, { node: source.left });
    expect((await conversation(gateway, left.id)).messages[2]?.content).toBe('left behind');
  });

  test('of a fork, at a question, can be answered again', async () => {
    const source = await withBranches();
    const first = await forked(source.id);
    const { messages } = await conversation(gateway, first.id);
    const question = messages[2]?.id ?? '';
    const second = await forked(first.id, { node: question });
    await said(gateway, { conversation_id: second.id, parent: question });
    expect(prompt()).toBe(source.prompt);
  });

  test.each(['the source', 'the fork'])('outlives the deletion of %s', async (gone) => {
    const source = await withBranches();
    const made = await forked(source.id);
    const [deleted, kept] = gone === 'the fork' ? [made.id, source.id] : [source.id, made.id];
    const before = await conversation(gateway, kept);
    const removal = await gateway.request(`/c1/conversations/${deleted}`, { method: 'DELETE' });
    expect(removal.status).toBe(204);
    expect((await gateway.request(`/c1/conversations/${deleted}`)).status).toBe(404);
    expect(await conversation(gateway, kept)).toEqual(before);
    await said(gateway, { conversation_id: kept, message: 'three' });
    expect(prompt()).toStartWith(`${source.prompt.slice(0, -1)},`);
    expect(prompt()).toContain(gif(90));

    await gateway.request(`/c1/conversations/${kept}`, { method: 'DELETE' });
    const nodes = rows(
      gateway,
      `SELECT 1 FROM node WHERE conversation IN ('${deleted}', '${kept}')`,
    );
    expect(nodes).toEqual([]);
  });

  test.each([
    [{ node: 'node_x' }, 'node'],
    [{ node: '' }, 'node'],
    [{ title: ' ' }, 'title'],
    [{ head: 'node_x' }, 'head'],
  ])('%j is refused', async (body, param) => {
    const { id } = await withBranches();
    const response = await fork(id, body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'invalid_field', param });
  });

  test('of another conversation’s message, or of nothing, is refused', async () => {
    const [source, other] = [await withBranches(), await withBranches()];
    expect((await fork(source.id, { node: other.left })).status).toBe(400);
    upstream.script = (call) => replySse(call, [{ error: { message: 'no' } }]);
    const empty = await gateway.request('/c1/chat', {
      body: { model: 'test-model', message: 'hi' },
    });
    const response = await fork(empty.headers.get('x-conversation-id') ?? '');
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'invalid_field', param: 'node' });
  });

  test('belongs to the user of its source, and to nobody else there is none', async () => {
    const { id } = await withBranches({ user_id: 'ann' });
    for (const [body, query] of [
      [undefined, ''],
      [undefined, '?user_id=bob'],
      [{ user_id: 'bob' }, ''],
    ] as const) {
      const response = await fork(id, body, query);
      expect(response.status).toBe(404);
      expect(await errorOf(response)).toMatchObject({ code: 'conversation_not_found' });
    }
    for (const made of [
      await forked(id, undefined, '?user_id=ann'),
      await forked(id, { user_id: 'ann' }),
    ]) {
      expect(made['user_id']).toBe('ann');
      await conversation(gateway, made.id, '?user_id=ann');
    }
  });
});

async function exported(at: TestGateway, id: string, query = ''): Promise<string> {
  const response = await at.request(`/c1/conversations/${id}/export${query}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/jsonl');
  expect(response.headers.get('content-disposition')).toContain(`${id}.jsonl`);
  return await response.text();
}

const importInto = (
  at: TestGateway,
  lines: string,
  { type = 'application/jsonl', query = '' } = {},
) => at.request(`/c1/import${query}`, { body: lines, headers: { 'content-type': type } });

describe('an export', () => {
  test('is taken in elsewhere, whole, and exported again in the same bytes', async () => {
    const { id, prompt: before } = await withBranches();
    const source = await conversation(gateway, id, '?tree=1');
    const lines = await exported(gateway, id);
    const imported = await importInto(elsewhere, lines);
    expect(imported.status).toBe(201);
    expect(imported.headers.get('x-conversation-id')).toBe(id);
    expect(await imported.json()).toMatchObject({ id, head: source.head, message_count: 4 });
    expect(await conversation(elsewhere, id, '?tree=1')).toEqual(source);
    expect(await exported(elsewhere, id)).toBe(lines);

    await said(elsewhere, { conversation_id: id, message: 'three' });
    expect(prompt()).toStartWith(`${before.slice(0, -1)},`);
    expect(prompt()).toContain(gif(90));
    const found = await elsewhere.request('/c1/conversations?q=answer');
    expect(await found.text()).toContain(id);
  });

  test('brings its turns along', async () => {
    const { conversation_id, turn_id } = await said(gateway, { message: 'one' });
    const shown = await shownTurn(gateway, turn_id);
    await importInto(elsewhere, await exported(gateway, conversation_id));
    expect(await shownTurn(elsewhere, turn_id)).toEqual(shown);
    const events = await elsewhere.request(`/c1/turns/${turn_id}/events`);
    expect(await events.text()).toContain('event: snapshot');
  });

  test('of one user goes to whoever takes it in', async () => {
    const { id, query } = await withBranches({ user_id: 'ann' });
    expect((await gateway.request(`/c1/conversations/${id}/export`)).status).toBe(404);
    const lines = await exported(gateway, id, query);
    const imported = await importInto(elsewhere, lines, { query: '?user_id=bob' });
    expect(imported.status).toBe(201);
    expect((await elsewhere.request(`/c1/conversations/${id}?user_id=ann`)).status).toBe(404);
    expect(await conversation(elsewhere, id, '?user_id=bob')).toMatchObject({ user_id: 'bob' });
    const again = await exported(elsewhere, id, '?user_id=bob');
    expect(again.replace('"userId":"bob"', '"userId":"ann"')).toBe(lines);
  });

  test('is taken in once, and again after a deletion', async () => {
    const { id } = await withBranches();
    const lines = await exported(gateway, id);
    const before = await conversation(gateway, id);
    const twice = await importInto(gateway, lines);
    expect(twice.status).toBe(400);
    expect(await errorOf(twice)).toMatchObject({ code: 'invalid_field', param: 'line 1' });
    expect(await conversation(gateway, id)).toEqual(before);
    await gateway.request(`/c1/conversations/${id}`, { method: 'DELETE' });
    expect((await importInto(gateway, lines)).status).toBe(201);
    expect(await conversation(gateway, id)).toEqual(before);
  });

  test('that is broken is refused with its line, and nothing of it stays', async () => {
    const { id } = await withBranches();
    const lines = (await exported(gateway, id)).trimEnd().split('\n');
    const nodeAt = lines.findIndex((line) => line.startsWith('{"type":"node"'));
    const broken: [string[], number, string][] = [
      [[], 1, 'invalid_field'],
      [['{'], 1, 'invalid_json'],
      [lines.slice(1), 1, 'invalid_field'],
      [lines.with(nodeAt, '{"type":"node"'), nodeAt + 1, 'invalid_json'],
      [
        lines.with(nodeAt, lines[nodeAt]?.replace('Be', 'be').replace('one', 'two') ?? ''),
        nodeAt + 1,
        'invalid_field',
      ],
      [lines.toSpliced(nodeAt, 1), nodeAt + 1, 'invalid_field'],
      [[...lines, lines[0] ?? ''], lines.length + 1, 'invalid_field'],
      // Blank lines count.
      [['', ...lines.with(nodeAt, '[]')], nodeAt + 2, 'invalid_field'],
    ];
    for (const [file, line, code] of broken) {
      const response = await importInto(elsewhere, `${file.join('\n')}\n`);
      expect(response.status).toBe(400);
      const error = await errorOf(response);
      expect(error).toMatchObject({ code, param: `line ${line}` });
      expect(error.message).toContain(`${line}`);
      expect((await elsewhere.request(`/c1/conversations/${id}`)).status).toBe(404);
    }
    expect((await importInto(elsewhere, lines.join('\r\n'))).status).toBe(201);
  });

  test.each([
    ['application/jsonl; charset=utf-8', 201],
    ['application/x-ndjson', 201],
    ['application/jsonlines', 201],
    ['text/plain', 415],
    ['application/json', 415],
  ])('declared as %s is answered with %p', async (type, status) => {
    const { id } = await withBranches();
    const response = await importInto(elsewhere, await exported(gateway, id), { type });
    expect(response.status).toBe(status);
    if (status === 201) return;
    expect(await errorOf(response)).toMatchObject({
      code: 'unsupported_media_type',
      param: 'content-type',
    });
  });

  test('declared as JSON is refused with the type that it should have', async () => {
    const { id } = await withBranches();
    const lines = await exported(gateway, id);
    const response = await importInto(elsewhere, lines, { type: 'application/json' });
    expect((await errorOf(response)).message).toContain('Send "Content-Type: application/jsonl"');
  });
});
