// Paths in memory: never more than allowed, and never one that is not what the database has.
import { describe, expect, test } from 'bun:test';
import {
  accepted,
  answerTo,
  ending,
  exchange,
  firstTurn,
  newNode,
  newScope,
  nextTurn,
} from '../conversations/contract/samples.ts';
import type { ConversationNode } from '../conversations/conversation.ts';
import type { ConversationStore } from '../conversations/store.ts';
import { createPathCache } from './path-cache.ts';
import { newPlace } from './testing/places.ts';

function pathOf(length: number, text = 'hello'): ConversationNode[] {
  const path: ConversationNode[] = [];
  while (path.length < length) path.push(newNode(path.at(-1) ?? null, 'user', text));
  return path;
}
const at = (path: readonly ConversationNode[], index: number) => path[index] ?? pathOf(1)[0]!;

describe('a cache of paths', () => {
  test('gives a path up to any of its nodes, and none for a node of another hash, id or depth', () => {
    const cache = createPathCache();
    const path = pathOf(20);
    cache.keep('c', path);
    for (const index of [0, 7, 19]) {
      expect(cache.upTo('c', at(path, index))).toEqual(path.slice(0, index + 1));
    }
    expect(cache.upTo('d', at(path, 3))).toBeNull();
    expect(cache.upTo('c', { ...at(path, 3), prefixHash: 'other' })).toBeNull();
    expect(cache.upTo('c', { ...at(path, 3), id: 'other' })).toBeNull();
    expect(cache.upTo('c', { ...at(path, 3), depth: 4 })).toBeNull();
    cache.forget('c');
    expect(cache.upTo('c', at(path, 3))).toBeNull();
  });

  test('lets go of what was used longest ago, and never takes what is too large', () => {
    const cache = createPathCache(40_000);
    const paths = Array.from({ length: 6 }, () => pathOf(20));
    const has = () => paths.map((path, i) => cache.upTo(`c${i}`, at(path, 0)) !== null);
    paths.forEach((path, i) => cache.keep(`c${i}`, path));
    // Each takes some 6,900 characters.
    expect(has()).toEqual([false, true, true, true, true, true]);
    cache.keep('c1', paths[1] ?? []);
    cache.keep('c0', paths[0] ?? []);
    expect(has()).toEqual([true, true, false, true, true, true]);
    const large = pathOf(20, 'x'.repeat(1_000));
    cache.keep('large', large);
    expect(cache.upTo('large', at(large, 0))).toBeNull();
    expect(has()).toEqual([true, true, false, true, true, true]);
    cache.clear();
    expect(has()).toEqual([false, false, false, false, false, false]);
    paths.forEach((path, i) => cache.keep(`c${i}`, path));
    expect(has()).toEqual([false, true, true, true, true, true]);
  });
});

describe('the path of a conversation', () => {
  async function talk(store: ConversationStore, turns: number) {
    let last = await exchange(store, firstTurn(newScope()));
    for (let i = 1; i < turns; i++) last = await exchange(store, nextTurn(last.turn, last.output));
    return last;
  }

  test('is the same from memory as from the file, along every branch', async () => {
    await using place = newPlace();
    const [store, fresh] = [await place.open(), await place.open()];
    let { turn, output } = await talk(store, 10);
    const { conversationId } = turn;
    const heads = [output.id];
    for (let round = 0; round < 12; round++) {
      const path = await store.path(conversationId, heads.at(-1) ?? null);
      // Every third time from further back: from where memory ends, or before it.
      const from = round % 3 === 2 ? (path.at(-5 - round) ?? null) : output;
      const next = nextTurn(turn, from, { head: output.id });
      ({ turn, output } = await exchange(store, next));
      heads.push(output.id);
      for (const head of heads) {
        const read = await store.path(conversationId, head);
        expect(read).toEqual(await fresh.path(conversationId, head));
        expect(read.at(-1)?.id).toBe(head);
      }
    }
    expect(await store.path(conversationId, 'node_unknown')).toEqual([]);
  });

  test('is gone from memory with the conversation, also where another process removed it', async () => {
    await using place = newPlace();
    const [store, other] = [await place.open(), await place.open()];
    for (const remover of [store, other]) {
      const { turn, output } = await talk(store, 10);
      const { conversationId: id, scope } = turn;
      expect(await store.path(id, output.id)).toHaveLength(20);
      expect(await remover.remove(scope, id)).toBe(true);
      expect(await store.path(id, output.id)).toEqual([]);
    }
  });

  test('of other messages that were imported under the same ids is the new one', async () => {
    await using place = newPlace();
    const [store, other] = [await place.open(), await place.open()];
    const { turn, output } = await talk(store, 10);
    const { conversationId: id, scope } = turn;
    const path = await store.path(id, output.id);
    const archive = await other.archive(scope, id);
    if (archive === null) throw new Error('there is no archive');
    let parent: ConversationNode | null = null;
    const forged = path.map((node) => {
      const sealed: ConversationNode = { ...newNode(parent, node.role, 'forged'), id: node.id };
      return (parent = sealed);
    });
    await other.remove(scope, id);
    expect(await other.restore(scope, { ...archive, nodes: forged })).toBe(true);
    expect((await store.path(id, output.id)).map(({ text }) => text)).toEqual(
      forged.map(() => 'forged'),
    );
  });

  test('takes in the input of a turn that runs, and what becomes of it', async () => {
    await using place = newPlace();
    const store = await place.open();
    const last = await talk(store, 10);
    const turn = await accepted(store, nextTurn(last.turn, last.output));
    expect(await store.path(turn.conversationId, turn.inputNode)).toHaveLength(21);
    const output = answerTo(turn);
    await store.finish(ending(turn, { output }));
    expect(await store.path(turn.conversationId, output.id)).toHaveLength(22);
  });
});
