// Several gateways on one file, and gateways that die: nothing acknowledged is lost, nothing is done twice.
import { expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import {
  accepted,
  answerTo,
  ending,
  exchange,
  firstTurn,
  newScope,
  nextTurn,
} from '../conversations/contract/samples.ts';
import { newId } from '../domain/ids.ts';
import { newPlace } from './testing/places.ts';

const CHILD = { owner: 'child', userId: null };

test('kill -9 loses nothing that was acknowledged, and leaves no turn half done', async () => {
  await using place = newPlace();
  for (let round = 0; round < 10; round += 1) {
    const child = place.spawn('converse');
    const said: Record<string, string>[] = [];
    // Killed after another kind of acknowledgement each time.
    for (let i = 0; i < 4 + round; i += 1)
      said.push((await child.next()) as Record<string, string>);
    await child.kill();
    const store = await place.open('full');
    const ended = await store.recover(9_000);
    expect(ended).toBeLessThanOrEqual(1);
    for (const line of said) {
      for (const [what, id] of Object.entries(line)) {
        const turn = await store.turn(CHILD, id);
        if (turn === null) throw new Error(`${id} was ${what}, and is gone`);
        if (what === 'appended') expect(await store.events(id, -1)).toHaveLength(2);
        if (what !== 'finished') continue;
        expect(turn.status).toBe('completed');
        const path = await store.path(turn.conversationId, turn.outputNode);
        expect(path.at(-2)?.id).toBe(turn.inputNode);
      }
    }
    const last = await store.turn(CHILD, Object.values(said.at(-1) ?? {})[0] ?? '');
    const conversation = await store.conversation(CHILD, last?.conversationId ?? '');
    const path = await store.path(last?.conversationId ?? '', conversation?.head ?? null);
    expect(path).toHaveLength(conversation?.messageCount ?? -1);
    expect(await store.recover(9_001)).toBe(0);
    await store.close();
  }
  expect(readdirSync(`${place.directory}/data`)).toEqual(['gateway.db']);
}, 30_000);

test("a dead gateway's turn is ended by recovery, with its partial answer kept; a living one's is not", async () => {
  await using place = newPlace();
  const store = await place.open();
  const own = await accepted(store, firstTurn(newScope()));
  const turns = [firstTurn(newScope(), { idempotencyKey: newId('req') }), firstTurn(newScope())];
  const [doomed, living] = turns.map((turn) => place.spawn('hold', turn));
  expect(await doomed?.next()).toEqual({ outcome: 'accepted' });
  expect(await living?.next()).toEqual({ outcome: 'accepted' });
  const [lost, held] = turns;
  if (lost === undefined || held === undefined) throw new Error('two turns were made');
  await store.start({ turnId: lost.turnId, upstream: 'u', upstreamModel: 'm', startedAt: 2_000 });
  await store.append([{ turnId: lost.turnId, seq: 0, payload: 'partial' }]);
  expect(await store.recover(8_000)).toBe(0);

  await doomed?.kill();
  expect(await store.recover(9_000)).toBe(1);
  expect(await store.turn(lost.scope, lost.turnId)).toMatchObject({
    status: 'failed',
    errorCode: 'upstream_interrupted',
    endedAt: 9_000,
    outputNode: null,
  });
  expect(await store.events(lost.turnId, -1)).toHaveLength(1);
  expect(await store.turn(held.scope, held.turnId)).toMatchObject({ status: 'accepted' });
  expect(await store.turn(own.scope, own.turnId)).toMatchObject({ status: 'accepted' });
  await exchange(store, nextTurn(lost, null));
  expect(await store.finish(ending(held, { output: answerTo(held) }))).toBe(true);
  expect(await store.recover(9_001)).toBe(0);
});

test('a request to cancel finds that the gateway which ran the turn is dead', async () => {
  await using place = newPlace();
  const store = await place.open();
  const turn = firstTurn(newScope());
  const child = place.spawn('hold', turn);
  expect(await child.next()).toEqual({ outcome: 'accepted' });
  expect(await store.requestCancel(turn.turnId)).toBe('requested');
  await child.kill();
  expect(await store.requestCancel(turn.turnId)).toBe('unattended');
  expect(await store.finish(ending(turn, { status: 'cancelled' }))).toBe(true);
});

test('a gateway that closes with a turn still open leaves it to the next recovery', async () => {
  await using place = newPlace();
  const first = await place.open();
  const turn = await accepted(first, firstTurn(newScope()));
  await first.close();
  const second = await place.open();
  expect(await second.turn(turn.scope, turn.turnId)).toMatchObject({ status: 'accepted' });
  expect(await second.recover(9_000)).toBe(1);
  expect(await second.turn(turn.scope, turn.turnId)).toMatchObject({ status: 'failed' });
});

test('three processes at once make one turn of a conversation, and one of an idempotency key', async () => {
  await using place = newPlace();
  const store = await place.open('full');
  const { turn, output } = await exchange(store, firstTurn(CHILD));
  const key = newId('req');
  const rivals = () => Array.from({ length: 20 }, () => nextTurn(turn, output));
  const repeats = () => Array.from({ length: 20 }, () => firstTurn(CHILD, { idempotencyKey: key }));
  const children = [0, 1].map(() => place.spawn('race', [...rivals(), ...repeats()]));
  for (const child of children) expect(await child.next()).toBe('ready');
  for (const child of children) child.poke();
  const mine = Promise.all([...rivals(), ...repeats()].map((rival) => store.accept(rival)));
  const all = await Promise.all([mine, ...children.map((child) => child.next())]);
  const outcomes = (all as { outcome: string; turnId?: string }[][]).map((one) => [
    one.slice(0, 20),
    one.slice(20),
  ]);
  const raced = outcomes.flatMap(([rivalry = []]) => rivalry);
  const keyed = outcomes.flatMap(([, repetition = []]) => repetition);
  expect(raced.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
  expect(raced.filter(({ outcome }) => outcome === 'busy')).toHaveLength(59);
  expect(keyed.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
  expect(keyed.filter(({ outcome }) => outcome === 'repeated')).toHaveLength(59);
  for (const group of [raced, keyed]) {
    expect(new Set(group.flatMap(({ turnId }) => turnId ?? [])).size).toBe(1);
  }
});

test('processes that open a new file at the same moment all get to use it', async () => {
  await using place = newPlace();
  const turns = Array.from({ length: 4 }, () => firstTurn(newScope()));
  const children = turns.map((turn) => place.spawn('hold', turn));
  for (const child of children) expect(await child.next()).toEqual({ outcome: 'accepted' });
});
