// The contract of accepting a turn: who may speak, and that a repeated request is known again.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { AcceptTurn, ConversationStore } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, answerTo, ending, exchange, firstTurn, newScope, nextTurn } = samples;

export function acceptanceContract(open: () => ConversationStore): void {
  describe('accepting a turn', () => acceptance(open));
  describe('repeating a request', () => idempotency(open));
}

function acceptance(open: () => ConversationStore): void {
  test('the first turn creates its conversation, which has no head until the answer is sealed', async () => {
    const turn = await accepted(open(), firstTurn(newScope('eve')));
    expect(await open().conversation(turn.scope, turn.conversationId)).toEqual({
      id: turn.conversationId,
      userId: 'eve',
      title: 'A title',
      head: null,
      epoch: turn.epoch ?? samples.newEpoch(),
      messageCount: 0,
      rev: 1,
      metadata: {},
      createdAt: 1_000,
      lastUsedAt: 1_000,
    });
  });

  test('an accepted turn can be read with all that is known of it', async () => {
    const turn = await accepted(
      open(),
      firstTurn(newScope(), { idempotencyKey: newId('req'), expectedCachedTokens: 640 }),
    );
    expect(await open().turn(turn.scope, turn.turnId)).toEqual({
      id: turn.turnId,
      conversationId: turn.conversationId,
      parentNode: null,
      inputNode: turn.input[0]?.id ?? '',
      outputNode: null,
      status: 'accepted',
      idempotencyKey: turn.idempotencyKey,
      requestFingerprint: 'fingerprint',
      upstream: null,
      upstreamModel: null,
      finishReason: null,
      errorCode: null,
      errorReply: null,
      prefixBreak: null,
      usage: { promptTokens: null, completionTokens: null, cachedTokens: null },
      expectedCachedTokens: 640,
      epochId: turn.epoch?.id ?? '',
      ttftMs: null,
      createdAt: 1_000,
      startedAt: null,
      endedAt: null,
    });
  });

  test('a second turn while one is active is busy, and is told which', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    const outcome = { outcome: 'busy' as const, turnId: turn.turnId };
    expect(await open().accept(nextTurn(turn, null))).toEqual(outcome);
    await open().start({ turnId: turn.turnId, upstream: 'u', upstreamModel: 'm', startedAt: 1 });
    expect(await open().accept(nextTurn(turn, null))).toEqual(outcome);
  });

  test('of 50 turns at once on one conversation exactly one is accepted', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const rivals = Array.from({ length: 50 }, () => nextTurn(turn, output));
    const outcomes = await Promise.all(rivals.map((rival) => open().accept(rival)));
    const winner = rivals[outcomes.findIndex(({ outcome }) => outcome === 'accepted')];
    expect(outcomes.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    const busy = { outcome: 'busy' as const, turnId: winner?.turnId ?? '' };
    expect(outcomes.filter(({ outcome }) => outcome !== 'accepted')).toEqual(
      Array.from({ length: 49 }, () => busy),
    );
  });

  test('a turn on a head that is not the head any more is refused with the head there is', async () => {
    const first = await exchange(open(), firstTurn(newScope()));
    const second = await exchange(open(), nextTurn(first.turn, first.output));
    const outcome = { outcome: 'head_moved' as const, head: second.output.id };
    expect(await open().accept(nextTurn(first.turn, first.output))).toEqual(outcome);
    expect(await open().accept(nextTurn(first.turn, null))).toEqual(outcome);
  });

  test('a refused turn leaves nothing behind', async () => {
    const { turn } = await exchange(open(), firstTurn(newScope()));
    const before = await open().conversation(turn.scope, turn.conversationId);
    const stale = nextTurn(turn, null, {
      idempotencyKey: newId('req'),
      epoch: samples.newEpoch(1),
    });
    expect((await open().accept(stale)).outcome).toBe('head_moved');
    expect(await open().turn(turn.scope, stale.turnId)).toBeNull();
    expect(await open().path(turn.conversationId, stale.input[0]?.id ?? '')).toEqual([]);
    expect(await open().conversation(turn.scope, turn.conversationId)).toEqual(before);
  });

  test('a conversation that does not exist is not found', async () => {
    const { create: _create, ...turn } = firstTurn(newScope());
    expect(await open().accept(turn)).toEqual({ outcome: 'not_found' });
  });

  test("another owner's or user's conversation is not found, neither to go on nor to create", async () => {
    const scope = newScope('eve');
    const { turn, output } = await exchange(open(), firstTurn(scope));
    const strangers = [newScope('eve'), { ...scope, userId: 'bob' }, { ...scope, userId: null }];
    for (const stranger of strangers) {
      const goOn = nextTurn(turn, output, { scope: stranger });
      expect(await open().accept(goOn)).toEqual({ outcome: 'not_found' });
      const create = firstTurn(stranger, { conversationId: turn.conversationId });
      expect(await open().accept(create)).toEqual({ outcome: 'not_found' });
    }
  });

  test('creating a conversation that is there already changes nothing', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const again = firstTurn(turn.scope, { conversationId: turn.conversationId });
    expect(await open().accept(again)).toEqual({ outcome: 'head_moved', head: output.id });
  });

  test('several messages of input follow each other, and the answer follows the last', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const call = samples.newNode(output, 'tool', 'first result');
    const input = [call, samples.newNode(call, 'tool', 'second result')];
    const second = await exchange(open(), nextTurn(turn, output, { input }));
    const path = await open().path(turn.conversationId, second.output.id);
    expect(path).toEqual([...turn.input, output, ...input, second.output]);
    const read = await open().conversation(turn.scope, turn.conversationId);
    expect(read?.messageCount).toBe(5);
  });

  test('input that does not follow the head is a fault, and one fault spoils no other write', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const wrong = nextTurn(turn, output, { input: [samples.newNode(null, 'user', 'astray')] });
    const other = firstTurn(newScope());
    const [fault, outcome] = await Promise.all([
      samples.refusedBy(open().accept(wrong)),
      open().accept(other),
    ]);
    expect(fault).toBeInstanceOf(Error);
    expect(outcome).toEqual({ outcome: 'accepted' });
    expect(await open().turn(turn.scope, wrong.turnId)).toBeNull();
    await accepted(open(), nextTurn(turn, output));
  });
}

function idempotency(open: () => ConversationStore): void {
  const keyed = (changes: Partial<AcceptTurn> = {}) =>
    firstTurn(newScope('eve'), { idempotencyKey: newId('req'), ...changes });
  const again = (turn: AcceptTurn, changes: Partial<AcceptTurn> = {}) =>
    firstTurn(turn.scope, { idempotencyKey: turn.idempotencyKey, ...changes });

  test('the same key and fingerprint lead to the first turn, while it runs and after', async () => {
    const turn = await accepted(open(), keyed());
    const outcome = { outcome: 'repeated' as const, turnId: turn.turnId };
    expect(await open().accept(again(turn))).toEqual(outcome);
    await open().finish(ending(turn, { output: answerTo(turn) }));
    expect(await open().accept(again(turn))).toEqual(outcome);
  });

  test('a repeat is recognised before the conversation is found busy or its head moved', async () => {
    const first = await exchange(open(), keyed());
    const second = nextTurn(first.turn, first.output, { idempotencyKey: newId('req') });
    await accepted(open(), second);
    const outcome = { outcome: 'repeated' as const, turnId: second.turnId };
    expect(await open().accept({ ...second, turnId: newId('turn') })).toEqual(outcome);
    await open().finish(ending(second, { output: answerTo(second) }));
    expect(await open().accept({ ...second, turnId: newId('turn') })).toEqual(outcome);
  });

  test('the same key with another fingerprint is refused', async () => {
    const turn = await accepted(open(), keyed());
    const other = again(turn, { requestFingerprint: 'another' });
    expect(await open().accept(other)).toEqual({ outcome: 'key_reused' });
  });

  test("another user's turn is never given away for its key", async () => {
    const turn = await accepted(open(), keyed());
    const bob = again(turn, { scope: { ...turn.scope, userId: 'bob' } });
    expect(await open().accept(bob)).toEqual({ outcome: 'key_reused' });
  });

  test('owners have their keys to themselves', async () => {
    const turn = await accepted(open(), keyed());
    await accepted(open(), again(turn, { scope: newScope('eve') }));
  });

  test('50 identical requests at once make one turn, and all learn which', async () => {
    const turn = keyed();
    const calls = Array.from({ length: 50 }, () => again(turn));
    const outcomes = await Promise.all(calls.map((call) => open().accept(call)));
    const winner = calls[outcomes.findIndex(({ outcome }) => outcome === 'accepted')];
    const repeated = { outcome: 'repeated' as const, turnId: winner?.turnId ?? '' };
    expect(outcomes.filter(({ outcome }) => outcome !== 'accepted')).toEqual(
      Array.from({ length: 49 }, () => repeated),
    );
  });

  test('a refused turn does not use up its key', async () => {
    const { turn } = await exchange(open(), keyed());
    const stale = nextTurn(turn, null, { idempotencyKey: newId('req') });
    expect((await open().accept(stale)).outcome).toBe('head_moved');
    await accepted(open(), firstTurn(turn.scope, { idempotencyKey: stale.idempotencyKey }));
  });
}
