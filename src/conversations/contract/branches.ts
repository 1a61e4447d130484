// The contract of branches: a message edited, an answer asked for again, and which branch a conversation goes on with.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { ConversationNode, Epoch } from '../conversation.ts';
import type { AcceptTurn, ConversationStore } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, ending, exchange, firstTurn, newEpoch, newNode, newScope, nextTurn } = samples;

export function branchContract(open: () => ConversationStore): void {
  describe('a branch', () => {
    edits(open);
    refusals(open);
  });
  describe('another answer to the same message', () => repetitions(open));
  describe('moving the head', () => moves(open));
  describe('the branch that is searched', () => searches(open));
}

interface TwoTurns {
  readonly first: samples.Exchange;
  readonly second: samples.Exchange;
}

async function twoTurns(store: ConversationStore): Promise<TwoTurns> {
  const first = await exchange(store, firstTurn(newScope()), 'heron');
  const second = await exchange(store, nextTurn(first.turn, first.output), 'ostrich');
  return { first, second };
}

function read(store: ConversationStore, { scope, conversationId }: AcceptTurn) {
  return store.conversation(scope, conversationId);
}

function edits(open: () => ConversationStore): void {
  test('beside the last message leaves the old one as it was, and is the path from then on', async () => {
    const { first, second } = await twoTurns(open());
    const id = first.turn.conversationId;
    const before = await open().path(id, second.output.id);
    const edited = await exchange(
      open(),
      nextTurn(first.turn, first.output, { head: second.output.id }),
      'emu',
    );
    expect(await read(open(), first.turn)).toMatchObject({
      head: edited.output.id,
      messageCount: 4,
    });
    const path = await open().path(id, edited.output.id);
    expect(path).toEqual([...before.slice(0, 2), ...edited.turn.input, edited.output]);
    expect(await open().path(id, second.output.id)).toEqual(before);
    const turn = await open().turn(first.turn.scope, edited.turn.turnId);
    expect(turn).toMatchObject({ parentNode: first.output.id, outputNode: edited.output.id });
  });

  test('can begin anew, before the first message', async () => {
    const { first, second } = await twoTurns(open());
    const edited = await exchange(
      open(),
      nextTurn(first.turn, null, { head: second.output.id }),
      'emu',
    );
    const path = await open().path(first.turn.conversationId, edited.output.id);
    expect(path).toEqual([...edited.turn.input, edited.output]);
    expect(await read(open(), first.turn)).toMatchObject({
      head: edited.output.id,
      messageCount: 2,
      title: 'A title',
    });
  });

  test('can follow any message, also one whose turn failed', async () => {
    const { first, second } = await twoTurns(open());
    const failing = await accepted(open(), nextTurn(second.turn, second.output));
    await open().finish(ending(failing, { status: 'failed', errorCode: 'internal_error' }));
    const [question] = failing.input;
    if (question === undefined) throw new Error('the turn asked something');
    const more = nextTurn(second.turn, question, { head: second.output.id });
    const { output } = await exchange(open(), more);
    const path = await open().path(first.turn.conversationId, output.id);
    expect(path).toHaveLength(7);
  });

  test('that fails leaves the head on the other one', async () => {
    const { first, second } = await twoTurns(open());
    const turn = nextTurn(first.turn, first.output, { head: second.output.id, epoch: newEpoch(1) });
    await accepted(open(), turn);
    await open().finish(ending(turn, { status: 'failed', errorCode: 'internal_error' }));
    const { head, epoch, messageCount } = (await read(open(), first.turn)) ?? {};
    expect([head, epoch?.id, messageCount]).toEqual([
      second.output.id,
      first.turn.epoch?.id ?? '',
      4,
    ]);
  });
}

function refusals(open: () => ConversationStore): void {
  test('is refused when the head is not the head any more, wherever it starts', async () => {
    const { first, second } = await twoTurns(open());
    const outcome = { outcome: 'head_moved' as const, head: second.output.id };
    for (const head of [null, first.output.id, newId('node')]) {
      for (const parent of [null, first.output, second.output]) {
        expect(await open().accept(nextTurn(first.turn, parent, { head }))).toEqual(outcome);
      }
      const again = samples.repeatedTurn(first.turn, head);
      expect(await open().accept(again)).toEqual(outcome);
    }
  });

  test("under a message that is not the conversation's is a fault", async () => {
    const { first, second } = await twoTurns(open());
    const other = await twoTurns(open());
    const head = second.output.id;
    const strangers: ConversationNode[] = [other.first.output, newNode(null, 'user', 'unknown')];
    for (const stranger of strangers) {
      const branch = nextTurn(first.turn, stranger, { head });
      expect(await samples.refusedBy(open().accept(branch))).toBeInstanceOf(Error);
      const asked = { inputNode: stranger.id, parentNode: stranger.id };
      const again = { ...samples.repeatedTurn(first.turn, head), ...asked };
      expect(await samples.refusedBy(open().accept(again))).toBeInstanceOf(Error);
    }
    await accepted(open(), nextTurn(second.turn, second.output));
  });

  test('that answers another message than it asks is a fault', async () => {
    const { first, second } = await twoTurns(open());
    const head = second.output.id;
    const wrong: Partial<AcceptTurn>[] = [
      { inputNode: first.turn.inputNode },
      { inputNode: first.output.id, input: [] },
      { inputNode: '', parentNode: null, input: [] },
    ];
    for (const changes of wrong) {
      const turn = nextTurn(second.turn, second.output, { head, ...changes });
      expect(await samples.refusedBy(open().accept(turn))).toBeInstanceOf(Error);
      expect(await open().turn(turn.scope, turn.turnId)).toBeNull();
    }
  });
}

function repetitions(open: () => ConversationStore): void {
  test('stands beside the first, and is the head', async () => {
    const { first, second } = await twoTurns(open());
    const again = samples.repeatedTurn(second.turn, second.output.id);
    const { output } = await exchange(open(), again, 'ostrich, again');
    expect(output.parent).toBe(second.turn.inputNode);
    expect(await read(open(), again)).toMatchObject({ head: output.id, messageCount: 4 });
    const id = again.conversationId;
    const path = await open().path(id, output.id);
    expect(path).toEqual([...(await open().path(id, second.output.id)).slice(0, 3), output]);
    expect(await open().turn(again.scope, again.turnId)).toMatchObject({
      parentNode: second.turn.inputNode,
      inputNode: second.turn.inputNode,
      outputNode: output.id,
      epochId: first.turn.epoch?.id ?? '',
    });
  });

  test('can be asked for after the first attempt failed, and for an older message', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    await open().finish(ending(turn, { status: 'failed', errorCode: 'upstream_timeout' }));
    const first = await exchange(open(), samples.repeatedTurn(turn, null));
    expect(await read(open(), turn)).toMatchObject({ head: first.output.id, messageCount: 2 });
    const second = await exchange(open(), nextTurn(turn, first.output));
    const third = await exchange(open(), samples.repeatedTurn(turn, second.output.id));
    expect(await read(open(), turn)).toMatchObject({ head: third.output.id, messageCount: 2 });
  });

  test('is told by the turn that sealed it', async () => {
    const { second } = await twoTurns(open());
    const again = samples.repeatedTurn(second.turn, second.output.id);
    const { output } = await exchange(open(), again);
    const id = again.conversationId;
    const sealing = async (node: string) => (await open().turnSealing(id, node))?.id;
    expect(await sealing(second.output.id)).toBe(second.turn.turnId);
    expect(await sealing(output.id)).toBe(again.turnId);
    expect(await open().turnSealing(id, output.id)).toEqual(
      await open().turn(again.scope, again.turnId),
    );
    expect(await sealing(again.inputNode)).toBeUndefined();
    expect(await open().turnSealing('conv_unknown', output.id)).toBeNull();
  });
}

function moves(open: () => ConversationStore): void {
  test('makes any message the end of the path, and is no use of the conversation', async () => {
    const { first, second } = await twoTurns(open());
    const { scope, conversationId: id } = first.turn;
    const before = await read(open(), first.turn);
    for (const [i, node] of [first.output.id, second.turn.inputNode, second.output.id].entries()) {
      expect(await open().moveHead(scope, id, node)).toBe('moved');
      const rev = (before?.rev ?? 0) + i + 1;
      const messageCount = i + 2;
      expect(await read(open(), first.turn)).toEqual(
        before === null ? null : { ...before, head: node, messageCount, rev },
      );
    }
    const after = await read(open(), first.turn);
    expect(await open().moveHead(scope, id, second.output.id)).toBe('moved');
    expect(await read(open(), first.turn)).toEqual(after);
  });

  test('brings back the epoch in which the message was made', async () => {
    const first = await exchange(open(), firstTurn(newScope()));
    const epoch = newEpoch(1, { model: 'other' });
    const second = await exchange(open(), nextTurn(first.turn, first.output, { epoch }));
    const { scope, conversationId: id } = first.turn;
    const epochs: Epoch[] = [];
    for (const node of [first.output, second.output, ...first.turn.input, ...second.turn.input]) {
      expect(await open().moveHead(scope, id, node.id)).toBe('moved');
      epochs.push((await read(open(), first.turn))?.epoch ?? newEpoch());
    }
    const { epoch: old = newEpoch() } = first.turn;
    expect(epochs).toEqual([old, epoch, old, epoch]);
  });

  test('is refused while a turn is active, and for what is not there', async () => {
    const { first, second } = await twoTurns(open());
    const { scope, conversationId: id } = first.turn;
    const other = await twoTurns(open());
    expect(await open().moveHead(scope, id, other.first.output.id)).toBe('no_such_node');
    expect(await open().moveHead(scope, id, 'node_unknown')).toBe('no_such_node');
    expect(await open().moveHead(scope, 'conv_unknown', first.output.id)).toBe('not_found');
    const strangers = [newScope(), { ...scope, userId: 'bob' }];
    for (const stranger of strangers) {
      expect(await open().moveHead(stranger, id, first.output.id)).toBe('not_found');
    }
    const running = await accepted(open(), nextTurn(second.turn, second.output));
    expect(await open().moveHead(scope, id, first.output.id)).toBe('busy');
    expect((await read(open(), running))?.head).toBe(second.output.id);
  });
}

function searches(open: () => ConversationStore): void {
  test('is the current one, whichever way it became that', async () => {
    const { first, second } = await twoTurns(open());
    const { scope, conversationId: id } = first.turn;
    const finds = async (word: string) =>
      (await open().list(scope, { limit: 1, offset: 0, query: word })).total === 1;
    const found = async () => {
      const words = ['heron', 'ostrich', 'emu', 'kiwi', 'And', 'Rather'];
      const hits = await Promise.all(words.map(async (word) => ((await finds(word)) ? word : '')));
      return hits.filter((word) => word !== '').join(' ');
    };
    expect(await found()).toBe('heron ostrich And');
    const head = second.output.id;
    const input = [newNode(first.output, 'user', 'Rather this?')];
    const edited = await exchange(
      open(),
      nextTurn(first.turn, first.output, { head, input }),
      'emu',
    );
    expect(await found()).toBe('heron emu Rather');
    const again = samples.repeatedTurn(edited.turn, edited.output.id);
    const last = await exchange(open(), again, 'kiwi');
    expect(await found()).toBe('heron kiwi Rather');
    await open().moveHead(scope, id, head);
    expect(await found()).toBe('heron ostrich And');
    await open().moveHead(scope, id, first.output.id);
    expect(await found()).toBe('heron');
    await open().moveHead(scope, id, last.output.id);
    expect(await found()).toBe('heron kiwi Rather');
    await exchange(open(), nextTurn(first.turn, null, { head: last.output.id }), 'emu');
    expect(await found()).toBe('emu And');
  });
}
