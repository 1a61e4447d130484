// What is remembered: listing, searching, reading, renaming and deleting conversations.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { conversation, errorOf, gif, rows, said } from './harness/c1.ts';
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
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
beforeEach(() => answering('ok'));
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function answering(...words: string[]): void {
  upstream.script = (call) => replySse(call, streamOf(words));
}

/** A new conversation's id; every test works for a user of its own, so that none sees another's. */
async function tell(user_id: string, message: string): Promise<string> {
  return (await said(gateway, { user_id, message })).conversation_id;
}

interface Page {
  readonly items: readonly { readonly id: string; readonly title: string | null }[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

async function list(user: string, query = ''): Promise<Page> {
  const response = await gateway.request(`/c1/conversations?user_id=${user}${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

const idsOf = ({ items }: Page) => items.map(({ id }) => id);

const patch = (id: string, body: unknown, query = '') =>
  gateway.request(`/c1/conversations/${id}${query}`, { method: 'PATCH', body });

describe('the list', () => {
  test('shows the newest use first, in the fields of the contract', async () => {
    const before = Math.floor(Date.now() / 1000);
    const first = await tell('lister', 'one');
    const second = await tell('lister', 'two');
    const third = await tell('lister', 'three');
    expect(idsOf(await list('lister'))).toEqual([third, second, first]);
    await said(gateway, { user_id: 'lister', conversation_id: first, message: 'more' });
    const page = await list('lister');
    expect(idsOf(page)).toEqual([first, third, second]);
    expect(page).toMatchObject({ total: 3, limit: 20, offset: 0 });
    expect(page.items[0]).toEqual({
      id: first,
      title: 'one',
      model: 'test-model',
      message_count: 4,
      created_at: expect.any(Number),
      last_used_at: expect.any(Number),
    } as never);
    const { created_at, last_used_at } = page.items[0] as unknown as Record<string, number>;
    expect(created_at).toBeGreaterThanOrEqual(before);
    expect(last_used_at).toBeGreaterThanOrEqual(created_at ?? 0);
    expect(last_used_at).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
  });

  test('comes in pages that together hold everything once', async () => {
    const all: string[] = [];
    for (let index = 0; index < 5; index++) all.unshift(await tell('pager', `number ${index}`));
    const pages = await Promise.all(
      [0, 2, 4, 6].map((at) => list('pager', `&limit=2&offset=${at}`)),
    );
    expect(pages.map(({ total }) => total)).toEqual([5, 5, 5, 5]);
    expect(pages.map(({ items }) => items.length)).toEqual([2, 2, 1, 0]);
    expect(pages.flatMap(idsOf)).toEqual(all);
    expect(pages[1]).toMatchObject({ limit: 2, offset: 2 });
  });

  test.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=-1',
    'limit=1.5',
    'offset=-1',
    'offset=',
    'user_id=',
  ])('refuses %s by its name', async (query) => {
    const response = await gateway.request(`/c1/conversations?${query}`);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      code: 'invalid_field',
      param: query.split('=', 1)[0] as string,
    });
  });

  test('finds words in titles, questions and answers, whatever their case', async () => {
    answering('The capital is ', 'Canberra.');
    const asked = await tell('seeker', 'Which city governs Australia?');
    answering('東京です。');
    const japanese = await tell('seeker', '日本の首都は？ 100% sure_');
    await patch(japanese, { title: 'Ünlü Şehir', user_id: 'seeker' });
    const found = async (words: string) => {
      const page = await list('seeker', `&q=${encodeURIComponent(words)}`);
      expect(page.total).toBe(page.items.length);
      return idsOf(page);
    };
    expect(await found('canberra')).toEqual([asked]);
    expect(await found('AUSTRALIA')).toEqual([asked]);
    expect(await found('canberra governs')).toEqual([asked]);
    expect(await found('canberra 東京')).toEqual([]);
    expect(await found('東京')).toEqual([japanese]);
    expect(await found('首都')).toEqual([japanese]);
    expect(await found('ünlü')).toEqual([japanese]);
    expect(await found('100%')).toEqual([japanese]);
    expect(await found('%')).toEqual([japanese]);
    expect(await found('_')).toEqual([japanese]);
    expect(await found("' OR 1=1 --")).toEqual([]);
    expect(await found('"')).toEqual([]);
    expect(await found('  ')).toHaveLength(2);
    expect(idsOf(await list('seeker', '&q=i&limit=1&offset=1'))).toHaveLength(1);
  });

  test('does not find what a failed turn asked', async () => {
    const id = await tell('failing', 'zebra');
    upstream.script = (call) => call.end();
    const response = await gateway.request('/c1/chat', {
      body: { model: 'test-model', user_id: 'failing', conversation_id: id, message: 'giraffe' },
    });
    expect(response.status).toBe(503);
    expect(idsOf(await list('failing', '&q=zebra'))).toEqual([id]);
    expect((await list('failing', '&q=giraffe')).total).toBe(0);
  });
});

describe('a title', () => {
  test.each([
    ['  What\n\n is\tthis?  ', 'What is this?'],
    ['👩‍👩‍👧‍👦 hello', '👩‍👩‍👧‍👦 hello'],
    ['half \ud800 a pair', 'half \ufffd a pair'],
    ['a'.repeat(200), 'a'.repeat(200)],
    ['a'.repeat(201), `${'a'.repeat(199)}…`],
  ])('is made of the first message: %j', async (message, title) => {
    const id = await tell('titles', message);
    expect((await conversation(gateway, id, '?user_id=titles')).title).toBe(title);
  });

  test('never ends in half a character, and can be given back as it is', async () => {
    const id = await tell('titles', `${'x'.repeat(190)}${'👩‍👩‍👧‍👦'.repeat(5)}`);
    const { title } = await conversation(gateway, id, '?user_id=titles');
    expect(title).toBe(`${'x'.repeat(190)}…`);
    const emoji = await tell('titles', '😀'.repeat(300));
    const made = (await conversation(gateway, emoji, '?user_id=titles')).title ?? '';
    expect(made).toMatch(/^(?:😀)+…$/u);
    expect((await patch(emoji, { title: made, user_id: 'titles' })).status).toBe(200);
  });

  test('is absent where the first message is only an image', async () => {
    const { conversation_id } = await said(gateway, { images: [gif(1)] });
    expect((await conversation(gateway, conversation_id)).title).toBeNull();
  });

  test('that a person gave stays', async () => {
    const id = await tell('titles', 'hello');
    const response = await patch(id, { title: '  Mine  ', user_id: 'titles' });
    expect(await response.json()).toMatchObject({ id, title: 'Mine' });
    await said(gateway, { user_id: 'titles', conversation_id: id, message: 'again' });
    expect((await conversation(gateway, id, '?user_id=titles')).title).toBe('Mine');
  });
});

describe('reading one', () => {
  test('shows the messages with ids that chain, and the head', async () => {
    const { conversation_id: id } = await said(gateway, { system: 'Be kind.', message: 'hi' });
    const shown = await conversation(gateway, id);
    expect(shown).toMatchObject({
      object: 'conversation',
      id,
      model: 'test-model',
      user_id: null,
      system: 'Be kind.',
      tools: [],
      metadata: {},
      message_count: 2,
    });
    const [question, answer] = shown.messages;
    expect(question).toMatchObject({ role: 'user', content: 'hi', parent: null as never });
    expect(answer).toMatchObject({ role: 'assistant', content: 'ok', parent: question?.id ?? '' });
    expect(shown.head).toBe(answer?.id ?? null);
  });

  test('keeps its own ids where an upstream puts some into its message', async () => {
    const delta = { content: 'x', id: 'msg_1', parent: 'p', created_at: 0 };
    const event = { choices: [{ index: 0, delta, finish_reason: 'stop' }] };
    upstream.script = (call) => replySse(call, [event, '[DONE]']);
    const { conversation_id } = await said(gateway, { message: 'hi' });
    const { messages, head } = await conversation(gateway, conversation_id);
    expect(messages[1]).toMatchObject({ id: head ?? '', parent: messages[0]?.id ?? '' });
  });
});

describe('changing one', () => {
  test('sets title and metadata, each replacing what was there', async () => {
    const id = await tell('changer', 'hi');
    const metadata = { folder: 'work', ключ: 'значение' };
    const changed = await patch(id, { metadata, title: 'T' }, '?user_id=changer');
    expect(await changed.json()).toMatchObject({ title: 'T', metadata, message_count: 2 });
    const again = await patch(id, { metadata: { a: 'b' } }, '?user_id=changer');
    expect(await again.json()).toMatchObject({ title: 'T', metadata: { a: 'b' } });
    const none = await patch(id, { title: null, metadata: {} }, '?user_id=changer');
    expect(await none.json()).toMatchObject({ title: null, metadata: {} });
  });

  test.each([
    [{}, 'missing_field', 'title'],
    [{ title: '' }, 'invalid_field', 'title'],
    [{ title: '   ' }, 'invalid_field', 'title'],
    [{ title: 'x'.repeat(201) }, 'invalid_field', 'title'],
    [{ title: 5 }, 'invalid_field', 'title'],
    [{ metadata: [] }, 'invalid_field', 'metadata'],
    [{ metadata: { a: 1 } }, 'invalid_field', 'metadata.a'],
    [{ metadata: { a: 'x'.repeat(513) } }, 'invalid_field', 'metadata.a'],
    [
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ''])) },
      'invalid_field',
      'metadata',
    ],
    ['[]', 'invalid_json', null],
    ['{"title":"a","title":"b"}', 'invalid_json', 'title'],
    ['', 'invalid_json', null],
  ])('%j is refused and changes nothing', async (body, code, param) => {
    const id = await tell('refuser', 'hi');
    const response = await patch(id, body, '?user_id=refuser');
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code, param });
    expect(await conversation(gateway, id, '?user_id=refuser')).toMatchObject({
      title: 'hi',
      metadata: {},
    });
  });

  test('an unknown member is refused by its name', async () => {
    const id = await tell('refuser', 'hi');
    const response = await patch(id, { titel: 'x' }, '?user_id=refuser');
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'invalid_field', param: 'titel' });
  });
});

describe('deleting one', () => {
  test('answers 204 once, then 404 everywhere, and leaves no row behind', async () => {
    const { conversation_id: id } = await said(gateway, { message: 'secret', images: [gif(99)] });
    const remove = () => gateway.request(`/c1/conversations/${id}`, { method: 'DELETE' });
    const removed = await remove();
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    for (const response of [
      await remove(),
      await gateway.request(`/c1/conversations/${id}`),
      await patch(id, { title: 'x' }),
      await gateway.request('/c1/chat', {
        body: { model: 'test-model', conversation_id: id, message: 'x' },
      }),
    ]) {
      expect(response.status).toBe(404);
      expect(await errorOf(response)).toMatchObject({ code: 'conversation_not_found' });
    }
    const tables = rows<{ name: string }>(
      gateway,
      "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c ON c.name = 'conversation' WHERE m.type = 'table'",
    );
    expect(tables.length).toBeGreaterThan(3);
    for (const { name } of tables) {
      const sql = `SELECT 1 FROM "${name}" WHERE conversation = '${id}'`;
      expect(rows(gateway, sql)).toEqual([]);
    }
    expect(
      rows(gateway, `SELECT 1 FROM turn_event WHERE turn NOT IN (SELECT id FROM turn)`),
    ).toEqual([]);
  });
});
