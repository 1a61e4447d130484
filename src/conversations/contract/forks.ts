// The contract of forks: conversations of their own, whatever becomes of the one that they were copied from.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { Conversation, Epoch } from '../conversation.ts';
import type { ConversationStore, ForkConversation } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, exchange, firstTurn, newBlob, newEpoch, newNode, newScope, nextTurn } = samples;

export function forkContract(open: () => ConversationStore): void {
  describe('a fork', () => {
    copies(open);
    independence(open);
  });
  describe('removing one of a conversation and its fork', () => removals(open));
}

function forkAt(
  { turn, output }: samples.Exchange,
  changes: Partial<ForkConversation> = {},
): ForkConversation {
  const { scope, conversationId: id } = turn;
  const fork = { scope, id, node: output.id, newId: newId('conv'), title: 'A fork' };
  return { ...fork, createdAt: 5_000, ...changes };
}

async function forked(store: ConversationStore, fork: ForkConversation): Promise<Conversation> {
  const made = await store.fork(fork);
  if (made === null) throw new Error('there was nothing to fork');
  return made;
}

function copies(open: () => ConversationStore): void {
  test('has the path up to its message, and nothing of what came after', async () => {
    const scope = newScope('eve');
    const first = await exchange(open(), firstTurn(scope));
    await open().change(scope, first.turn.conversationId, { metadata: { project: 'dgx' } });
    const second = await exchange(open(), nextTurn(first.turn, first.output));
    const fork = forkAt(first);
    const made = await forked(open(), fork);
    expect(made).toEqual({
      id: fork.newId,
      userId: 'eve',
      title: 'A fork',
      head: first.output.id,
      epoch: first.turn.epoch ?? newEpoch(),
      messageCount: 2,
      rev: 1,
      metadata: { project: 'dgx' },
      createdAt: 5_000,
      lastUsedAt: 5_000,
    });
    expect(await open().conversation(scope, made.id)).toEqual(made);
    expect(await open().path(made.id, made.head)).toEqual([...first.turn.input, first.output]);
    expect(await open().path(made.id, second.output.id)).toEqual([]);
    const { items } = await open().list(scope, { limit: 9, offset: 0, query: null });
    expect(items.map(({ id }) => id)).toEqual([made.id, first.turn.conversationId]);
  });

  test('can be made of any message, of a fork, and while a turn runs', async () => {
    const first = await exchange(open(), firstTurn(newScope()));
    const running = await accepted(open(), nextTurn(first.turn, first.output));
    const atQuestion = await forked(open(), forkAt(first, { node: running.inputNode }));
    expect(atQuestion).toMatchObject({ head: running.inputNode, messageCount: 3 });
    const { turn } = first;
    const again = forkAt(first, { id: atQuestion.id, node: turn.inputNode });
    expect(await forked(open(), again)).toMatchObject({ head: turn.inputNode, messageCount: 1 });
  });

  test('goes on in the epoch of its message, also as a fork of a fork', async () => {
    const first = await exchange(open(), firstTurn(newScope()));
    const epoch = newEpoch(1, { model: 'other' });
    const second = await exchange(open(), nextTurn(first.turn, first.output, { epoch }));
    const epochsOf = async (id: string): Promise<Epoch[]> => {
      const [early, late] = await Promise.all([
        forked(open(), forkAt(first, { id })),
        forked(open(), forkAt(second, { id })),
      ]);
      expect((await open().archive(first.turn.scope, early.id))?.epochs).toEqual([early.epoch]);
      return [early.epoch, late.epoch];
    };
    const fork = await forked(open(), forkAt(second));
    const expected = [first.turn.epoch ?? epoch, epoch];
    expect(await epochsOf(first.turn.conversationId)).toEqual(expected);
    expect(await epochsOf(fork.id)).toEqual(expected);
  });

  test('of an unknown message or conversation, or in another scope, is none', async () => {
    const source = await exchange(open(), firstTurn(newScope('eve')));
    const other = await exchange(open(), firstTurn(newScope('eve')));
    const { scope } = source.turn;
    const impossible: Partial<ForkConversation>[] = [
      { node: 'node_unknown' },
      { node: other.output.id },
      { id: 'conv_unknown' },
      { scope: { ...scope, userId: null } },
      { scope: other.turn.scope },
    ];
    for (const changes of impossible) {
      const fork = forkAt(source, changes);
      expect(await open().fork(fork)).toBeNull();
      expect(await open().conversation(fork.scope, fork.newId)).toBeNull();
    }
  });

  test("under another conversation's id is a fault", async () => {
    const source = await exchange(open(), firstTurn(newScope()));
    const other = await exchange(open(), firstTurn(newScope()));
    const fork = forkAt(source, { newId: other.turn.conversationId });
    expect(await samples.refusedBy(open().fork(fork))).toBeInstanceOf(Error);
    expect(await open().path(fork.newId, source.output.id)).toEqual([]);
  });

  test("keeps a title that a person gave from being replaced by a model's", async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const suggested = async (id: string) => {
      await open().suggestTitle(id, 'Suggested');
      return (await open().conversation(turn.scope, id))?.title;
    };
    const open_ = await forked(open(), forkAt({ turn, output }));
    await open().change(turn.scope, turn.conversationId, { title: 'Mine' });
    const named = await forked(open(), forkAt({ turn, output }, { title: 'Mine' }));
    expect(await suggested(open_.id)).toBe('Suggested');
    expect(await suggested(named.id)).toBe('Mine');
  });
}

function independence(open: () => ConversationStore): void {
  test('and its source go their own ways from there, at the same time', async () => {
    const first = await exchange(open(), firstTurn(newScope()));
    const fork = await forked(open(), forkAt(first));
    const { scope, conversationId: id } = first.turn;
    const [mine, theirs] = [nextTurn(first.turn, first.output), nextTurn(first.turn, first.output)];
    const onFork = { ...theirs, conversationId: fork.id };
    await Promise.all([accepted(open(), mine), accepted(open(), onFork)]);
    const [a, b] = [samples.answerTo(mine, 'walrus'), samples.answerTo(onFork, 'pelican')];
    await open().finish(samples.ending(mine, { output: a }));
    await open().finish(samples.ending(onFork, { output: b }));
    expect((await open().path(id, a.id)).map((node) => node.text)).toContain('walrus');
    expect((await open().path(fork.id, b.id)).slice(0, 2)).toEqual([
      ...first.turn.input,
      first.output,
    ]);
    expect(await open().path(fork.id, a.id)).toEqual([]);
    expect(await open().turnSealing(fork.id, b.id)).toMatchObject({ id: onFork.turnId });
    // Nothing was asked in the fork up to here: the turns stay where they were made.
    expect(await open().turnSealing(fork.id, first.output.id)).toBeNull();
    for (const [query, found] of Object.entries({ walrus: id, pelican: fork.id })) {
      const { items } = await open().list(scope, { limit: 9, offset: 0, query });
      expect(items.map((conversation) => conversation.id)).toEqual([found]);
    }
  });
}

function removals(open: () => ConversationStore): void {
  test('leaves the other as it was, whichever goes first, and nothing when both are gone', async () => {
    for (const order of ['source first', 'fork first']) {
      const blob = newBlob(`${order} ${Math.random()}`);
      const input = [newNode(null, 'user', { text: 'flamingo', blobs: [blob.sha256] })];
      const turn = await accepted(open(), firstTurn(newScope(), { input, blobs: [blob] }));
      const { scope, turnId, conversationId } = turn;
      await open().append([{ turnId, seq: 0, payload: 'flamingo' }]);
      const source = { turn, output: samples.answerTo(turn) };
      await open().finish(samples.ending(turn, { output: source.output }));
      const fork = await forked(open(), forkAt(source));
      const ids = [conversationId, fork.id];
      const [gone = '', kept = ''] = order === 'fork first' ? ids.toReversed() : ids;
      const before = await open().archive(scope, kept);

      expect(await open().remove(scope, gone)).toBe(true);
      expect(await open().archive(scope, gone)).toBeNull();
      expect(await open().path(gone, source.output.id)).toEqual([]);
      expect(await open().archive(scope, kept)).toEqual(before);
      expect(before?.blobs).toHaveLength(1);
      expect(await open().path(kept, source.output.id)).toHaveLength(2);
      const query = { limit: 9, offset: 0, query: 'flamingo' };
      expect((await open().list(scope, query)).items.map(({ id }) => id)).toEqual([kept]);
      const events = order === 'fork first' ? 1 : 0;
      expect(await open().events(turnId, -1)).toHaveLength(events);

      expect(await open().remove(scope, kept)).toBe(true);
      expect(await open().blobs([blob.sha256])).toEqual([]);
      expect(await open().events(turnId, -1)).toEqual([]);
      expect((await open().list(scope, query)).total).toBe(0);
    }
  });
}
