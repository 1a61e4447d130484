// The contract of listing and searching: what is found, in which order, and by whom.
import { describe, expect, test } from 'bun:test';
import type { Scope } from '../conversation.ts';
import type { ConversationStore } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, ending, exchange, firstTurn, newNode, newScope, nextTurn } = samples;

export function listingContract(open: () => ConversationStore): void {
  describe('a listing', () => listings(open));
  describe('a search', () => searches(open));
}

function listings(open: () => ConversationStore): void {
  test('has the newest use first, in pages, with the count of all', async () => {
    const scope = newScope();
    const ids: string[] = [];
    for (const createdAt of [3_000, 1_000, 5_000, 2_000, 4_000]) {
      const turn = firstTurn(scope, { createdAt });
      await accepted(open(), turn);
      ids.push(turn.conversationId);
    }
    const [c3, c1, c5, c2, c4] = ids;
    const page = async (limit: number, offset: number) => {
      const { items, total } = await open().list(scope, { limit, offset, query: null });
      expect(total).toBe(5);
      return items.map(({ id }) => id);
    };
    expect(await page(10, 0)).toEqual([c5, c4, c3, c2, c1].map(String));
    expect(await page(2, 0)).toEqual([c5, c4].map(String));
    expect(await page(2, 2)).toEqual([c3, c2].map(String));
    expect(await page(2, 4)).toEqual([String(c1)]);
    expect(await page(2, 6)).toEqual([]);
  });

  test('moves a conversation up when it is used', async () => {
    const scope = newScope();
    const old = await exchange(open(), firstTurn(scope));
    await exchange(open(), firstTurn(scope, { createdAt: 2_000 }));
    await accepted(open(), nextTurn(old.turn, old.output, { createdAt: 3_000 }));
    const { items } = await open().list(scope, { limit: 1, offset: 0, query: null });
    expect(items).toEqual(
      [await open().conversation(scope, old.turn.conversationId)].flatMap((c) => c ?? []),
    );
  });

  test('breaks ties by id, newest first', async () => {
    const scope = newScope();
    const turns = await Promise.all([1, 2, 3].map(() => accepted(open(), firstTurn(scope))));
    const { items } = await open().list(scope, { limit: 9, offset: 0, query: null });
    const ids = turns.map((turn) => turn.conversationId);
    expect(items.map(({ id }) => id)).toEqual(ids.toSorted().toReversed());
  });

  test('shows nobody what belongs to another owner or user', async () => {
    const eve = newScope('eve');
    const scopes = [eve, { ...eve, userId: 'bob' }, { ...eve, userId: null }, newScope('eve')];
    for (const scope of scopes) await exchange(open(), firstTurn(scope), 'quagmire');
    for (const scope of scopes) {
      for (const query of [null, 'quagmire', 'qu', 'A title']) {
        const { items, total } = await open().list(scope, { limit: 9, offset: 0, query });
        expect(total).toBe(1);
        expect(items.map(({ userId }) => userId)).toEqual([scope.userId]);
      }
    }
  });
}

function searches(open: () => ConversationStore): void {
  const search = async (scope: Scope, query: string): Promise<string[]> => {
    const { items, total } = await open().list(scope, { limit: 50, offset: 0, query });
    expect(total).toBe(items.length);
    return items.map(({ id }) => id);
  };
  const say = async (scope: Scope, text: string, title: string | null = null) => {
    const turn = firstTurn(scope, { create: { title }, input: [newNode(null, 'user', 'ask')] });
    await exchange(open(), turn, text);
    return turn.conversationId;
  };

  test('finds parts of words in questions, answers and titles, in any case', async () => {
    const scope = newScope();
    const input = [newNode(null, 'user', 'Tell me about Photosynthesis')];
    const asked = await exchange(open(), firstTurn(scope, { input }));
    const answered = await say(scope, 'Plants do photosynthesis.');
    const titled = await say(scope, 'nothing', 'PHOTOSYNTHESIS 101');
    await say(scope, 'photographs');
    const all = [asked.turn.conversationId, answered, titled].toSorted();
    for (const query of ['photosynthesis', 'tosynth', 'PHOTOSYNTHESIS']) {
      expect((await search(scope, query)).toSorted()).toEqual(all);
    }
  });

  test('wants every word, anywhere in the conversation', async () => {
    const scope = newScope();
    const first = await exchange(open(), firstTurn(scope, { create: { title: 'Lisbon' } }), 'tram');
    await exchange(open(), nextTurn(first.turn, first.output), 'castle');
    await say(scope, 'castle', 'Porto');
    const id = first.turn.conversationId;
    expect(await search(scope, 'castle tram')).toEqual([id]);
    expect(await search(scope, ' tram\tlisbon\n')).toEqual([id]);
    expect(await search(scope, 'castle lisbon harbour')).toEqual([]);
  });

  test('of nothing but spaces finds everything', async () => {
    const scope = newScope();
    const id = await say(scope, 'word');
    expect(await search(scope, ' \t ')).toEqual([id]);
    expect(await search(scope, '')).toEqual([id]);
  });

  test('finds Chinese, Japanese, Korean, Cyrillic and emoji, of one character or many', async () => {
    const scope = newScope();
    const id = await say(scope, '今日は東京で寿司を食べた。 서울 Привет 😀👍🏽🎉 Ähre');
    await say(scope, 'nothing of that');
    const queries = [
      '東京で寿司',
      '東京',
      '寿',
      '서울',
      'привет',
      'ПРИВЕТ',
      'Пр',
      'ПР',
      '😀',
      '😀👍🏽🎉',
      'ähre',
      'ÄH',
    ];
    for (const query of queries) expect([query, await search(scope, query)]).toEqual([query, [id]]);
    expect(await search(scope, '京東')).toEqual([]);
  });

  test('takes every character for itself, never for syntax', async () => {
    const scope = newScope();
    const texts = [
      '100% sure',
      '100 units',
      'snake_case',
      'snakeXcase',
      `say "hello" it's`,
      String.raw`C:\temp\new`,
      'a* OR b',
      'NEAR(x y)',
      '^caret',
      'col:umn',
      '-minus',
      '(paren',
      '{brace}',
      `'; DROP TABLE node; --`,
    ];
    const ids = new Map<string, string>();
    for (const text of texts) ids.set(text, await say(scope, text));
    const expectations: readonly (readonly [string, readonly string[]])[] = [
      ['100%', ['100% sure']],
      ['0%', ['100% sure']],
      ['%', ['100% sure']],
      ['_', ['snake_case']],
      ['e_c', ['snake_case']],
      ['"hello"', [`say "hello" it's`]],
      ['"h', [`say "hello" it's`]],
      ['"', [`say "hello" it's`]],
      [`'s`, [`say "hello" it's`]],
      [String.raw`\t`, [String.raw`C:\temp\new`]],
      [String.raw`C:\temp`, [String.raw`C:\temp\new`]],
      ['a*', ['a* OR b']],
      ['NEAR(x', ['NEAR(x y)']],
      ['^caret', ['^caret']],
      ['col:umn', ['col:umn']],
      ['-minus', ['-minus']],
      ['(paren', ['(paren']],
      ['{brace}', ['{brace}']],
      [`'; DROP`, [`'; DROP TABLE node; --`]],
      ['hell*', []],
      ['"""', []],
      ['text:caret', []],
      ['car* OR', []],
      ['NOT', []],
      ['%%%', []],
      ['___', []],
      ['$p0', []],
      ['?1', []],
    ];
    for (const [query, found] of expectations) {
      const wanted = found.map((text) => ids.get(text) ?? '').toSorted();
      expect([query, (await search(scope, query)).toSorted()]).toEqual([query, wanted]);
    }
    expect(await search(scope, 'a\u0000*')).toEqual([ids.get('a* OR b') ?? '']);
    expect(await search(scope, '\ud83d')).toEqual([]);
    expect(await search(scope, 'x'.repeat(100_000))).toEqual([]);
    expect(await search(scope, 'nothing '.repeat(1_000))).toEqual([]);
  });

  test('looks at sealed messages of the current path only', async () => {
    const scope = newScope();
    const { turn, output } = await exchange(open(), firstTurn(scope));
    const failing = nextTurn(turn, output, { input: [newNode(output, 'user', 'xylophone')] });
    await accepted(open(), failing);
    expect(await search(scope, 'xylophone')).toEqual([]);
    await open().finish(ending(failing, { status: 'failed', errorCode: 'internal_error' }));
    expect(await search(scope, 'xylophone')).toEqual([]);
    await exchange(
      open(),
      nextTurn(turn, output, { input: [newNode(output, 'user', 'xylophone')] }),
    );
    expect(await search(scope, 'xylophone')).toEqual([turn.conversationId]);
    expect(await search(scope, 'xy')).toEqual([turn.conversationId]);
  });

  test('follows the title', async () => {
    const scope = newScope();
    const id = await say(scope, 'text', 'Zanzibar');
    await open().change(scope, id, { title: 'Madagascar' });
    expect(await search(scope, 'zanzibar')).toEqual([]);
    expect(await search(scope, 'madagascar')).toEqual([id]);
    await open().change(scope, id, { title: null });
    expect(await search(scope, 'madagascar')).toEqual([]);
  });

  test('is paged like a listing', async () => {
    const scope = newScope();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const turn = firstTurn(scope, { createdAt: 1_000 * i });
      await exchange(open(), turn, 'needle');
      ids.unshift(turn.conversationId);
    }
    await say(scope, 'hay');
    const { items, total } = await open().list(scope, { limit: 2, offset: 1, query: 'needle' });
    expect(total).toBe(5);
    expect(items.map(({ id }) => id)).toEqual(ids.slice(1, 3));
  });
}
