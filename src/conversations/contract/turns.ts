// The contract of an accepted turn: it starts, its events are kept, and it ends exactly once.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { ConversationStore, FinishTurn } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, answerTo, ending, exchange, firstTurn, newScope, nextTurn } = samples;

export function turnContract(open: () => ConversationStore): void {
  describe('ending a turn', () => endings(open));
  describe('the events of a turn', () => events(open));
  describe('recovery', () => recovery(open));
}

function endings(open: () => ConversationStore): void {
  const started = async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    const { turnId } = turn;
    await open().start({ turnId, upstream: 'spark', upstreamModel: 'scout', startedAt: 1_002 });
    return turn;
  };

  test('a started turn is streaming, with its upstream', async () => {
    const turn = await started();
    expect(await open().turn(turn.scope, turn.turnId)).toMatchObject({
      status: 'streaming',
      upstream: 'spark',
      upstreamModel: 'scout',
      startedAt: 1_002,
    });
  });

  test('a completed turn seals its answer and moves the head to it', async () => {
    const turn = await started();
    const output = answerTo(turn);
    expect(await open().finish(ending(turn, { output, prefixBreak: 'render' }))).toBe(true);
    expect(await open().turn(turn.scope, turn.turnId)).toMatchObject({
      status: 'completed',
      prefixBreak: 'render',
      outputNode: output.id,
      finishReason: 'stop',
      errorCode: null,
      usage: { promptTokens: 10, completionTokens: 5, cachedTokens: null },
      ttftMs: 12.5,
      endedAt: 1_005,
    });
    expect(await open().conversation(turn.scope, turn.conversationId)).toMatchObject({
      head: output.id,
      messageCount: 2,
      rev: 2,
      lastUsedAt: 1_005,
    });
  });

  test("a new epoch becomes the conversation's together with the head", async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const epoch = samples.newEpoch(1, { model: 'other', tools: '[{"b":1,"a":"\\ud800"}]' });
    const failing = await accepted(open(), nextTurn(turn, output, { epoch }));
    await open().finish(ending(failing, { status: 'failed', errorCode: 'upstream_timeout' }));
    const before = await open().conversation(turn.scope, turn.conversationId);
    expect(before?.epoch).toEqual(turn.epoch ?? epoch);
    await exchange(open(), nextTurn(turn, output, { epoch: { ...epoch, id: newId('epoch') } }));
    const after = await open().conversation(turn.scope, turn.conversationId);
    expect(after?.epoch).toMatchObject({ ordinal: 1, reason: 'model', profile: epoch.profile });
  });

  test('a failed turn leaves the head where it was, and the conversation free', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const failing = await accepted(open(), nextTurn(turn, output));
    const errorReply = { status: 504, retryAfterMs: 1_500 };
    const failure = { status: 'failed', errorCode: 'upstream_timeout', errorReply } as const;
    expect(await open().finish(ending(failing, failure))).toBe(true);
    const read = await open().conversation(turn.scope, turn.conversationId);
    expect(read).toMatchObject({ head: output.id, messageCount: 2 });
    expect(await open().turn(turn.scope, failing.turnId)).toMatchObject({
      status: 'failed',
      errorCode: 'upstream_timeout',
      errorReply,
      outputNode: null,
    });
    await exchange(open(), nextTurn(turn, output));
  });

  test('a conversation whose first turn failed can be gone on with from nothing', async () => {
    const turn = await started();
    await open().finish(ending(turn, { status: 'failed', errorCode: 'internal_error' }));
    const { output } = await exchange(open(), nextTurn(turn, null));
    expect(await open().path(turn.conversationId, output.id)).toHaveLength(2);
  });

  test('a turn cancelled before it was answered leaves the head, one cancelled after moves it', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const mute = await accepted(open(), nextTurn(turn, output));
    expect(await open().finish(ending(mute, { status: 'cancelled' }))).toBe(true);
    const seen = await accepted(open(), nextTurn(turn, output));
    const partial = answerTo(seen, 'A bo');
    await open().finish(ending(seen, { status: 'cancelled', output: partial }));
    const read = await open().conversation(turn.scope, turn.conversationId);
    expect(read?.head).toBe(partial.id);
  });

  test('a failed turn with an answer is a fault', async () => {
    const turn = await started();
    const call = open().finish(ending(turn, { status: 'failed', output: answerTo(turn) }));
    expect(await samples.refusedBy(call)).toBeInstanceOf(Error);
    expect(await open().turn(turn.scope, turn.turnId)).toMatchObject({ status: 'streaming' });
  });

  test('nothing follows a terminal state', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const end = await open().turn(turn.scope, turn.turnId);
    await open().start({ turnId: turn.turnId, upstream: 'x', upstreamModel: 'y', startedAt: 9 });
    expect(await open().finish(ending(turn, { status: 'cancelled' }))).toBe(false);
    expect(await open().finish(ending(turn, { output: answerTo(turn, 'Another.') }))).toBe(false);
    expect(await open().turn(turn.scope, turn.turnId)).toEqual(end);
    const read = await open().conversation(turn.scope, turn.conversationId);
    expect(read).toMatchObject({ head: output.id, rev: 2 });
  });

  test('of many endings at once exactly one counts', async () => {
    for (let round = 0; round < 5; round += 1) {
      const turn = await accepted(open(), firstTurn(newScope()));
      const rivals: FinishTurn[] = Array.from({ length: 20 }, (_, i) =>
        i % 2 === round % 2
          ? ending(turn, { output: answerTo(turn, `answer ${i}`) })
          : ending(turn, { status: 'cancelled' }),
      );
      const counted = await Promise.all(rivals.map((rival) => open().finish(rival)));
      expect(counted.filter(Boolean)).toHaveLength(1);
      const winner = rivals[counted.indexOf(true)];
      const read = await open().turn(turn.scope, turn.turnId);
      expect(read?.status).toBe(winner?.status ?? 'accepted');
      expect(read?.outputNode).toBe(winner?.output?.id ?? null);
    }
  });

  test('an unknown turn cannot be started or ended, which harms nothing', async () => {
    const turn = firstTurn(newScope());
    await open().start({ turnId: turn.turnId, upstream: 'x', upstreamModel: 'y', startedAt: 9 });
    expect(await open().finish(ending(turn))).toBe(false);
    expect(await open().turn(turn.scope, turn.turnId)).toBeNull();
  });

  test('a turn is seen by its owner and user only', async () => {
    const scope = newScope('eve');
    const turn = await accepted(open(), firstTurn(scope));
    for (const stranger of [
      newScope('eve'),
      { ...scope, userId: null },
      { ...scope, userId: 'E' },
    ]) {
      expect(await open().turn(stranger, turn.turnId)).toBeNull();
      expect(await open().conversation(stranger, turn.conversationId)).toBeNull();
    }
  });
}

function events(open: () => ConversationStore): void {
  test('come back in order, from any point on', async () => {
    const { turnId } = await accepted(open(), firstTurn(newScope()));
    const all = Array.from({ length: 12 }, (_, seq) => ({ turnId, seq, payload: `{"n":${seq}}` }));
    await Promise.all([open().append(all.slice(0, 3)), open().append(all.slice(3, 11))]);
    await open().append(all.slice(11));
    for (const after of [-1, 0, 9, 10, 11]) {
      expect(await open().events(turnId, after)).toEqual(all.slice(after + 1));
    }
  });

  test('keep every byte', async () => {
    const { turnId } = await accepted(open(), firstTurn(newScope()));
    const payload = '\uFEFF{"a":"\u0000 😀 日本 \\ud800 \\u0000"}';
    await open().append([{ turnId, seq: 0, payload }]);
    expect(await open().events(turnId, -1)).toEqual([{ turnId, seq: 0, payload }]);
  });

  test('of several turns written together stay apart', async () => {
    const a = await accepted(open(), firstTurn(newScope()));
    const b = await accepted(open(), firstTurn(newScope()));
    await open().append([
      { turnId: a.turnId, seq: 0, payload: 'a0' },
      { turnId: b.turnId, seq: 0, payload: 'b0' },
      { turnId: a.turnId, seq: 1, payload: 'a1' },
    ]);
    expect((await open().events(a.turnId, -1)).map((event) => event.payload)).toEqual(['a0', 'a1']);
    expect((await open().events(b.turnId, -1)).map((event) => event.payload)).toEqual(['b0']);
  });

  test('written twice are kept once, as they came first', async () => {
    const { turnId } = await accepted(open(), firstTurn(newScope()));
    await open().append([{ turnId, seq: 0, payload: 'first' }]);
    await open().append([{ turnId, seq: 0, payload: 'second' }]);
    expect(await open().events(turnId, -1)).toEqual([{ turnId, seq: 0, payload: 'first' }]);
  });

  test('of an unknown turn are ignored', async () => {
    const turnId = newId('turn');
    expect(await open().append([{ turnId, seq: 0, payload: 'x' }])).toBe(false);
    expect(await open().events(turnId, -1)).toEqual([]);
  });

  test('never follow the end of their turn, and say so', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    const { turnId } = turn;
    expect(await open().append([{ turnId, seq: 0, payload: 'x' }])).toBe(true);
    await open().finish(ending(turn, { status: 'cancelled' }));
    expect(await open().append([{ turnId, seq: 1, payload: 'y' }])).toBe(false);
    expect(await open().events(turnId, -1)).toHaveLength(1);
  });

  test('are collected some time after the turn ended, all of them or none', async () => {
    const scope = newScope();
    const withEvents = async (count: number, createdAt: number) => {
      const turn = await accepted(open(), firstTurn(scope, { createdAt }));
      const { turnId } = turn;
      const all = Array.from({ length: count }, (_, seq) => ({ turnId, seq, payload: 'frame' }));
      await open().append(all);
      return turn;
    };
    // Long before the turns of other tests.
    const old = [await withEvents(4_000, -900), await withEvents(4_000, -900)];
    const others = [
      await withEvents(2, -900),
      await withEvents(3, -500),
      await withEvents(4, -900),
    ];
    const [late, recent, open_] = others;
    for (const turn of old) await open().finish(ending(turn, { output: answerTo(turn) }));
    if (late !== undefined) await open().finish(ending(late, { status: 'cancelled' }));
    if (recent !== undefined) await open().finish(ending(recent, { status: 'cancelled' }));
    expect(await open().collectEvents(-895)).toBe(0);
    expect(await open().collectEvents(-894)).toBe(8_000);
    expect(await open().collectEvents(-894)).toBe(2);
    expect(await open().collectEvents(-894)).toBe(0);
    const left = await Promise.all(
      [...old, late, recent, open_].map((turn) => open().events(turn?.turnId ?? '', -1)),
    );
    expect(left.map((events) => events.length)).toEqual([0, 0, 0, 3, 4]);
    const read = await open().turn(scope, old[0]?.turnId ?? '');
    expect(read).toMatchObject({ status: 'completed', endedAt: -895 });
  });

  test('stay readable after the turn failed', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    await open().append([{ turnId: turn.turnId, seq: 0, payload: 'half' }]);
    await open().finish(ending(turn, { status: 'failed', errorCode: 'upstream_interrupted' }));
    expect(await open().events(turn.turnId, -1)).toHaveLength(1);
  });
}

function recovery(open: () => ConversationStore): void {
  test('leaves the turns of living processes alone', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    expect(await open().recover(9_000)).toBe(0);
    expect(await open().turn(turn.scope, turn.turnId)).toMatchObject({ status: 'accepted' });
    expect(await open().finish(ending(turn, { output: answerTo(turn) }))).toBe(true);
  });

  test('is not needed for the store to answer a probe', async () => {
    expect(await open().probe()).toBeUndefined();
  });

  test('is not needed after a rest, which forgets nothing and holds up nothing', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    await open().append([{ turnId: turn.turnId, seq: 0, payload: 'half' }]);
    await open().rest();
    expect(await open().events(turn.turnId, -1)).toHaveLength(1);
    const [, finished] = await Promise.all([
      open().rest(),
      open().finish(ending(turn, { output: answerTo(turn) })),
    ]);
    expect(finished).toBe(true);
    expect(await open().turn(turn.scope, turn.turnId)).toMatchObject({ status: 'completed' });
  });
}
