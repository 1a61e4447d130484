// The contract of content: what was written comes back as the same bytes, and images are shared.
import { describe, expect, test } from 'bun:test';
import type { ConversationStore } from '../store.ts';
import { chainHash } from '../node.ts';
import * as samples from './samples.ts';

const { accepted, exchange, firstTurn, newBlob, newNode, newScope, nextTurn } = samples;

/** Wires that a store might be tempted to touch. */
const WIRES: Readonly<Record<string, string>> = {
  'members in an odd order, with odd spaces': '{ "role" :"user","content":"b" , "a":1.0e+2,"a":2 }',
  'emoji, Chinese, Japanese and Arabic':
    '{"role":"user","content":"😀 👩‍👩‍👧 漢字 かな مرحبا é e\u0301"}',
  'the marker of an image, a real NUL': '{"role":"user","content":"\u0000blob:abc\u0000"}',
  'an escaped NUL': String.raw`{"role":"user","content":"\u0000"}`,
  'half a surrogate pair, escaped': String.raw`{"role":"user","content":"\ud83d and \udc00"}`,
  'a byte order mark': '\uFEFF{"role":"user","content":"\uFEFF"}',
  'line separators and carriage returns': '{"role":"user",\r\n"content":"\u2028\u2029\t"}',
  'quotes and SQL': `{"role":"user","content":"'); DROP TABLE node; --"}`,
  'a megabyte': JSON.stringify({ role: 'user', content: '漢😀x'.repeat(100_000) }),
  nothing: '',
};

export function contentContract(open: () => ConversationStore): void {
  describe('messages', () => messages(open));
  describe('images', () => images(open));
  describe('changes', () => changes(open));
}

function messages(open: () => ConversationStore): void {
  for (const [name, wire] of Object.entries(WIRES)) {
    test(`keep every byte of ${name}`, async () => {
      const input = [newNode(null, 'user', { wire, extra: wire })];
      const { turn, output } = await exchange(open(), firstTurn(newScope(), { input }), { wire });
      const path = await open().path(turn.conversationId, output.id);
      expect(path).toEqual([...input, output]);
      expect(path.map((node) => node.wire === wire)).toEqual([true, true]);
    });
  }

  test('keep the text that is shown, whatever its characters', async () => {
    const text = '\uFEFF a \u0000 b 😀 漢字 "quoted" \\ %_';
    const { turn, output } = await exchange(open(), firstTurn(newScope()), { text });
    expect((await open().path(turn.conversationId, output.id)).at(-1)?.text).toBe(text);
  });

  test('of ten turns are each the beginning of the next path, and their hashes chain', async () => {
    let last = await exchange(open(), firstTurn(newScope()));
    let before = await open().path(last.turn.conversationId, last.output.id);
    for (let i = 0; i < 9; i += 1) {
      last = await exchange(open(), nextTurn(last.turn, last.output), `answer ${i}`);
      const path = await open().path(last.turn.conversationId, last.output.id);
      expect(path.slice(0, before.length)).toEqual(before);
      expect(path).toHaveLength(before.length + 2);
      before = path;
    }
    let hash = '';
    for (const [depth, node] of before.entries()) {
      expect(node.depth).toBe(depth);
      hash = chainHash(hash, node.wire);
      expect(node.prefixHash).toBe(hash);
    }
  });

  test('before any node are its path, after it are not', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    await exchange(open(), nextTurn(turn, output));
    const path = await open().path(turn.conversationId, turn.input[0]?.id ?? '');
    expect(path).toEqual([...turn.input]);
  });

  test("are none before nothing, before an unknown node, or before another conversation's", async () => {
    const { turn } = await exchange(open(), firstTurn(newScope()));
    const other = await exchange(open(), firstTurn(newScope()));
    expect(await open().path(turn.conversationId, null)).toEqual([]);
    expect(await open().path(turn.conversationId, 'node_unknown')).toEqual([]);
    expect(await open().path(turn.conversationId, other.output.id)).toEqual([]);
    expect(await open().path('conv_unknown', other.output.id)).toEqual([]);
  });

  test('of a turn that failed are on no later path', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const failing = await accepted(open(), nextTurn(turn, output));
    await open().finish(samples.ending(failing, { status: 'failed', errorCode: 'internal_error' }));
    const next = await exchange(open(), nextTurn(turn, output));
    const path = await open().path(turn.conversationId, next.output.id);
    expect(path.map((node) => node.id)).not.toContain(failing.input[0]?.id ?? '');
    expect(path).toHaveLength(4);
  });
}

function images(open: () => ConversationStore): void {
  test('come back as they were, also shown twice and in order', async () => {
    const [a, b] = [newBlob(`a ${Math.random()}`), newBlob(`b ${Math.random()}`)];
    const shown = [b.sha256, a.sha256, b.sha256];
    const input = [newNode(null, 'user', { blobs: shown })];
    const turn = firstTurn(newScope(), { input, blobs: [a, b] });
    const { output } = await exchange(open(), turn);
    expect((await open().path(turn.conversationId, output.id))[0]?.blobs).toEqual(shown);
    const read = await open().blobs([b.sha256, a.sha256]);
    expect(read.map(({ sha256 }) => sha256).toSorted()).toEqual([a.sha256, b.sha256].toSorted());
    for (const { sha256, mime, bytes } of read) {
      const sent = sha256 === a.sha256 ? a : b;
      expect(mime).toBe('image/png');
      expect(Buffer.from(bytes).equals(Buffer.from(sent.bytes))).toBe(true);
    }
  });

  test('that are not there are left out', async () => {
    expect(await open().blobs(['0'.repeat(64)])).toEqual([]);
    expect(await open().blobs([])).toEqual([]);
  });

  test('of an answer are kept with it', async () => {
    const blob = newBlob(`drawn ${Math.random()}`);
    const turn = await accepted(open(), firstTurn(newScope()));
    const output = samples.answerTo(turn, { blobs: [blob.sha256] });
    await open().finish(samples.ending(turn, { output, blobs: [blob] }));
    expect(await open().blobs([blob.sha256])).toHaveLength(1);
  });

  test('may be sent again with every turn', async () => {
    const blob = newBlob(`again ${Math.random()}`);
    const input = [newNode(null, 'user', { blobs: [blob.sha256] })];
    const first = await exchange(open(), firstTurn(newScope(), { input, blobs: [blob] }));
    const more = [newNode(first.output, 'user', { blobs: [blob.sha256] })];
    await exchange(open(), nextTurn(first.turn, first.output, { input: more, blobs: [blob] }));
    expect(await open().blobs([blob.sha256])).toHaveLength(1);
  });

  test('that no message shows are not kept', async () => {
    const blob = newBlob(`unshown ${Math.random()}`);
    await accepted(open(), firstTurn(newScope(), { blobs: [blob] }));
    expect(await open().blobs([blob.sha256])).toEqual([]);
  });
}

function changes(open: () => ConversationStore): void {
  test('to the title and the metadata are told and kept, each without the other', async () => {
    const { turn } = await exchange(open(), firstTurn(newScope()));
    const { scope, conversationId: id } = turn;
    const metadata = { project: 'dgx "1"', ключ: '値', ['__proto__']: 'own' };
    const renamed = await open().change(scope, id, { title: 'Renamed 😀' });
    expect(renamed).toMatchObject({ title: 'Renamed 😀', metadata: {}, rev: 3 });
    const changed = await open().change(scope, id, { metadata });
    expect(changed).toMatchObject({ title: 'Renamed 😀', rev: 4 });
    expect(Object.entries(changed?.metadata ?? {})).toEqual(Object.entries(metadata));
    expect(await open().conversation(scope, id)).toEqual(changed);
    expect(await open().change(scope, id, { title: null })).toMatchObject({ title: null, rev: 5 });
  });

  test('are not a use: they do not move a conversation up', async () => {
    const { turn } = await exchange(open(), firstTurn(newScope()));
    const changed = await open().change(turn.scope, turn.conversationId, { title: 'New' });
    expect(changed?.lastUsedAt).toBe(1_005);
  });

  test('are possible while a turn runs, and do not end it', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    await open().change(turn.scope, turn.conversationId, { title: 'New' });
    const output = samples.answerTo(turn);
    expect(await open().finish(samples.ending(turn, { output }))).toBe(true);
    const read = await open().conversation(turn.scope, turn.conversationId);
    expect(read).toMatchObject({ title: 'New', head: output.id });
  });

  test("a suggested title replaces the first one and another suggestion, but no person's", async () => {
    const { turn } = await exchange(open(), firstTurn(newScope(), { create: { title: null } }));
    const { scope, conversationId: id } = turn;
    const suggested = async (title: string) => {
      await open().suggestTitle(id, title);
      return open().conversation(scope, id);
    };
    expect(await suggested('Books')).toMatchObject({ title: 'Books', rev: 3, lastUsedAt: 1_005 });
    expect(await suggested('On books')).toMatchObject({ title: 'On books', rev: 4 });
    const named = await open().change(scope, id, { metadata: { a: 'b' }, title: 'Mine' });
    expect(await suggested('About books')).toEqual(named);
    const cleared = await open().change(scope, id, { title: null });
    expect(await suggested('About books')).toEqual(cleared);
    await open().suggestTitle('conv_unknown', 'x');
  });

  test('to the metadata leave the title open to a suggestion', async () => {
    const { turn } = await exchange(open(), firstTurn(newScope()));
    const { scope, conversationId: id } = turn;
    await open().change(scope, id, { metadata: { a: 'b' } });
    await open().suggestTitle(id, 'Suggested');
    expect((await open().conversation(scope, id))?.title).toBe('Suggested');
  });

  test('in another scope or to an unknown conversation are refused', async () => {
    const scope = newScope('eve');
    const { turn } = await exchange(open(), firstTurn(scope));
    const id = turn.conversationId;
    for (const stranger of [newScope('eve'), { ...scope, userId: null }]) {
      expect(await open().change(stranger, id, { title: 'Mine now' })).toBeNull();
    }
    expect(await open().change(scope, 'conv_unknown', { title: 'x' })).toBeNull();
    expect((await open().conversation(scope, id))?.title).toBe('A title');
  });
}
