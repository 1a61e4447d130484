// Random operations on a few conversations, side by side on the database and on a model of it: same answers, same
// state, and the ledger's invariants after each run.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  answerTo,
  ending,
  firstTurn,
  newEpoch,
  newNode,
  newScope,
  nextTurn,
} from '../conversations/contract/samples.ts';
import type { Scope } from '../conversations/conversation.ts';
import { chainHash } from '../conversations/node.ts';
import type { AcceptTurn, ConversationStore, FinishTurn } from '../conversations/store.ts';
import { newId } from '../domain/ids.ts';
import { ModelStore } from './testing/model.ts';
import { newPlace } from './testing/places.ts';

const slot = fc.nat({ max: 2 });
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('accept' as const),
      slot,
      key: fc.option(fc.nat({ max: 3 }), { freq: 3 }),
      fingerprint: fc.constantFrom('one', 'one', 'two'),
      stale: fc.boolean(),
      newEpoch: fc.boolean(),
      text: fc.string({ unit: 'grapheme' }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      /** Of all turns there ever were, ended and removed ones too. */
      turn: fc.nat(),
      /** Rather the one that runs. */
      running: fc.boolean(),
      status: fc.constantFrom('completed', 'completed', 'failed', 'cancelled'),
      answered: fc.boolean(),
      text: fc.string({ unit: 'grapheme' }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const), turn: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('append' as const), turn: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('rename' as const), slot, title: fc.string() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), slot }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const place = newPlace();
let store: ConversationStore;

beforeAll(async () => {
  store = await place.open();
});
afterAll(async () => place[Symbol.asyncDispose]());

test('any sequence of operations gives the answers and the state of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
      const run = new Run(newScope('eve'));
      for (const each of operations) {
        const [real, expected] = await run.apply(each);
        expect(real).toEqual(expected);
      }
      await run.compare();
    }),
    { numRuns: 80 },
  );
}, 20_000);

class Run {
  readonly #scope: Scope;
  readonly #model = new ModelStore();
  readonly #all: AcceptTurn[] = [];
  readonly #conversations = [newId('conv'), newId('conv'), newId('conv')];
  readonly #events = new Map<string, number>();
  #now = 1_000;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** What the store answered, and what it should have. */
  async apply(each: Operation): Promise<[unknown, unknown]> {
    this.#now += 1;
    switch (each.kind) {
      case 'accept': {
        const turn = this.#turn(each);
        this.#all.push(turn);
        return [await store.accept(turn), this.#model.accept(turn)];
      }
      case 'finish': {
        const finish = this.#ending(each);
        return finish === null ? [0, 0] : [await store.finish(finish), this.#model.finish(finish)];
      }
      case 'start': {
        const turnId = this.#pick(each.turn)?.turnId ?? 'turn_none';
        const start = { turnId, upstream: 'u', upstreamModel: 'm', startedAt: this.#now };
        return [await store.start(start), this.#model.start(turnId)];
      }
      case 'append': {
        const turnId = this.#pick(each.turn)?.turnId ?? 'turn_none';
        const seq = this.#events.get(turnId) ?? 0;
        this.#events.set(turnId, seq + 1);
        const event = { turnId, seq, payload: `frame ${seq}` };
        return [await store.append([event]), this.#model.append(turnId, event.payload)];
      }
      case 'rename': {
        const id = this.#conversation(each.slot);
        const changed = await store.change(this.#scope, id, { title: each.title });
        return [changed !== null, this.#model.rename(id, each.title)];
      }
      case 'remove': {
        const id = this.#conversation(each.slot);
        return [await store.remove(this.#scope, id), this.#model.remove(id)];
      }
      default:
        throw new Error('an operation has one of the kinds above');
    }
  }

  async compare(): Promise<void> {
    const model = this.#model;
    const page = { limit: 99, offset: 0, query: null };
    const listed = await store.list(this.#scope, page);
    expect(listed.items.map(({ id }) => id)).toEqual(model.listing());
    for (const read of listed.items) {
      const expected = model.conversations.get(read.id);
      if (expected === undefined) throw new Error(`${read.id} was listed, and should not be there`);
      const { path, head, epochId, ...rest } = expected;
      expect(read).toMatchObject({ ...rest, head: head?.id ?? null, messageCount: path.length });
      expect(read.epoch.id).toBe(epochId);
      const stored = await store.path(read.id, read.head);
      expect(stored).toEqual(path);
      let hash = '';
      for (const node of stored) {
        hash = chainHash(hash, node.wire);
        expect(node.prefixHash).toBe(hash);
      }
    }
    for (const { turnId } of this.#all) {
      const expected = model.turns.get(turnId);
      const turn = await store.turn(this.#scope, turnId);
      expect([turn?.status, turn?.outputNode]).toEqual([expected?.status, expected?.output]);
      const events = await store.events(turnId, -1);
      expect(events.map(({ payload }) => payload)).toEqual(expected?.events ?? []);
    }
  }

  #conversation(slot: number): string {
    return this.#conversations[slot] ?? '';
  }

  #pick(turn: number): AcceptTurn | undefined {
    return this.#all[turn % this.#all.length];
  }

  #turn(each: Extract<Operation, { kind: 'accept' }>): AcceptTurn {
    const conversationId = this.#conversation(each.slot);
    const known = this.#model.conversations.get(conversationId);
    const head = each.stale ? (known?.path.at(1) ?? null) : (known?.head ?? null);
    const first = firstTurn(this.#scope, {
      conversationId,
      input: [newNode(null, 'user', each.text)],
    });
    const turn = known === undefined ? first : nextTurn(first, head);
    return {
      ...turn,
      ...(known !== undefined && each.newEpoch ? { epoch: newEpoch(1) } : {}),
      createdAt: this.#now,
      idempotencyKey: each.key === null ? null : `key ${each.key}`,
      requestFingerprint: each.fingerprint,
    };
  }

  #ending(each: Extract<Operation, { kind: 'finish' }>): FinishTurn | null {
    const running = this.#all.find(
      ({ conversationId, turnId }) => this.#model.activeTurn(conversationId) === turnId,
    );
    const turn = (each.running ? running : undefined) ?? this.#pick(each.turn);
    if (turn === undefined) return null;
    const answered = each.answered && each.status !== 'failed';
    return ending(turn, {
      status: each.status,
      endedAt: this.#now,
      ...(answered ? { output: answerTo(turn, each.text) } : {}),
    });
  }
}
