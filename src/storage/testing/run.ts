// One run of the property test: applies each operation to a store and to the model of it, and compares them.
import { expect } from 'bun:test';
import * as samples from '../../conversations/contract/samples.ts';
import { decodeArchive, encodeArchive } from '../../conversations/archive-lines.ts';
import type { ConversationNode, Scope } from '../../conversations/conversation.ts';
import { chainHash } from '../../conversations/node.ts';
import type { AcceptTurn, ConversationStore, FinishTurn } from '../../conversations/store.ts';
import { newId } from '../../domain/ids.ts';
import { ModelStore } from './model.ts';
import type { Operation, OperationOf } from './operations.ts';

/** What the store answered, and what it should have. */
type Answers = Promise<[unknown, unknown]>;

export class Run {
  readonly #store: ConversationStore;
  readonly #scope: Scope = samples.newScope('eve');
  readonly model = new ModelStore();
  readonly #all: AcceptTurn[] = [];
  readonly #conversations = [newId('conv'), newId('conv'), newId('conv')];
  readonly #events = new Map<string, number>();
  #now = 1_000;

  constructor(store: ConversationStore) {
    this.#store = store;
  }

  async apply(each: Operation): Answers {
    this.#now += 1;
    switch (each.kind) {
      case 'accept':
        return this.#accept(this.#turn(each));
      case 'finish':
        return this.#finish(this.#ending(each));
      case 'start':
        return this.#start(this.#pick(each.turn)?.turnId ?? 'turn_none');
      case 'append':
        return this.#append(this.#pick(each.turn)?.turnId ?? 'turn_none');
      case 'title':
        return this.#title(each);
      case 'move':
        return this.#move(each);
      case 'fork':
        return this.#fork(each);
      case 'remove':
        return this.#remove(this.#conversation(each.slot));
      case 'reimport':
        return this.#reimport(this.#conversation(each.slot));
      case 'collect':
        return this.#collect(this.#now - each.age);
      default:
        return each satisfies never;
    }
  }

  async compare(): Promise<void> {
    const page = { limit: 99, offset: 0, query: null };
    const listed = await this.#store.list(this.#scope, page);
    expect(listed.items.map(({ id }) => id)).toEqual(this.model.listing());
    for (const { id } of listed.items) await this.#compareConversation(id);
    for (const { turnId } of this.#all) {
      const expected = this.model.turns.get(turnId);
      const turn = await this.#store.turn(this.#scope, turnId);
      expect([turn?.status, turn?.outputNode, turn?.epochId]).toEqual([
        expected?.status,
        expected?.output,
        expected?.epoch.id,
      ]);
      const events = await this.#store.events(turnId, -1);
      expect(events.map(({ payload }) => payload)).toEqual(expected?.events ?? []);
    }
  }

  async removeAll(): Promise<void> {
    for (const id of this.#conversations) await this.#store.remove(this.#scope, id);
  }

  async #compareConversation(id: string): Promise<void> {
    const expected = this.model.conversations.get(id);
    const archive = await this.#store.archive(this.#scope, id);
    if (expected === undefined || archive === null) throw new Error(`${id} is not on both sides`);
    const { titledByPerson: _title, epochs: _epochs, nodes, ...rest } = expected;
    const path = this.model.path(id, expected.head);
    expect(archive.conversation).toMatchObject({ ...rest, messageCount: path.length });
    expect(await this.#store.path(id, expected.head)).toEqual(path);
    expect(archive.nodes.toSorted(byId)).toEqual(
      [...nodes.values()].map(({ node }) => node).toSorted(byId),
    );
    for (const node of archive.nodes) {
      const parent = nodes.get(node.parent ?? '')?.node;
      expect(node.prefixHash).toBe(chainHash(parent?.prefixHash ?? '', node.wire));
      const sealing = [...this.model.turns.values()].find(
        ({ accepted, output }) => accepted.conversationId === id && output === node.id,
      );
      const read = await this.#store.turnSealing(id, node.id);
      expect(read?.id).toBe(sealing?.accepted.turnId);
    }
  }

  async #accept(turn: AcceptTurn): Answers {
    this.#all.push(turn);
    return [await this.#store.accept(turn), this.model.accept(turn)];
  }

  async #finish(finish: FinishTurn | null): Answers {
    if (finish === null) return [0, 0];
    return [await this.#store.finish(finish), this.model.finish(finish)];
  }

  async #start(turnId: string): Answers {
    const start = { turnId, upstream: 'u', upstreamModel: 'm', startedAt: this.#now };
    return [await this.#store.start(start), this.model.start(turnId)];
  }

  async #append(turnId: string): Answers {
    const seq = this.#events.get(turnId) ?? 0;
    this.#events.set(turnId, seq + 1);
    const event = { turnId, seq, payload: `frame ${seq}` };
    return [await this.#store.append([event]), this.model.append(turnId, event.payload)];
  }

  async #title({ slot, title, byPerson }: OperationOf<'title'>): Answers {
    const id = this.#conversation(slot);
    if (!byPerson) {
      return [await this.#store.suggestTitle(id, title), this.model.suggestTitle(id, title)];
    }
    const changed = await this.#store.change(this.#scope, id, { title });
    return [changed !== null, this.model.rename(id, title)];
  }

  async #move({ slot, node }: OperationOf<'move'>): Answers {
    const id = this.#conversation(slot);
    const target = this.#node(id, node)?.id ?? 'node_none';
    return [await this.#store.moveHead(this.#scope, id, target), this.model.moveHead(id, target)];
  }

  async #fork({ slot, node, into }: OperationOf<'fork'>): Answers {
    const [id, copy] = [this.#conversation(slot), this.#conversation(into)];
    if (this.model.conversations.has(copy)) return [0, 0];
    const target = this.#node(id, node)?.id ?? 'node_none';
    const named = { id, node: target, newId: copy, title: 'A fork', createdAt: this.#now };
    const fork = { scope: this.#scope, ...named };
    return [(await this.#store.fork(fork)) !== null, this.model.fork(fork)];
  }

  async #remove(id: string): Answers {
    return [await this.#store.remove(this.#scope, id), this.model.remove(id)];
  }

  async #reimport(id: string): Answers {
    const archive = await this.#store.archive(this.#scope, id);
    if (archive === null) return [false, this.model.reimport(id)];
    expect(await this.#store.restore(this.#scope, archive)).toBe(false);
    const decoded = decodeArchive(encodeArchive(archive));
    expect(decoded).toEqual(archive);
    await this.#store.remove(this.#scope, id);
    return [await this.#store.restore(this.#scope, decoded), this.model.reimport(id)];
  }

  async #collect(endedBefore: number): Answers {
    while ((await this.#store.collectEvents(endedBefore)) > 0);
    this.model.collectEvents(endedBefore);
    return [0, 0];
  }

  #conversation(slot: number): string {
    return this.#conversations[slot] ?? '';
  }

  #pick(turn: number): AcceptTurn | undefined {
    return this.#all[turn % this.#all.length];
  }

  /** Any of a conversation's messages, or none: that before the first. */
  #node(conversation: string, number: number): ConversationNode | null {
    const nodes = [...(this.model.conversations.get(conversation)?.nodes.values() ?? [])];
    return nodes[number % (nodes.length + 1)]?.node ?? null;
  }

  #turn(each: OperationOf<'accept'>): AcceptTurn {
    const conversationId = this.#conversation(each.slot);
    const known = this.model.conversations.get(conversationId);
    const first = samples.firstTurn(this.#scope, {
      conversationId,
      input: [samples.newNode(null, 'user', each.text)],
    });
    return {
      ...(known === undefined ? first : this.#nextTurn(first, each)),
      ...(known !== undefined && each.newEpoch ? { epoch: samples.newEpoch(1) } : {}),
      createdAt: this.#now,
      idempotencyKey: each.key === null ? null : `key ${each.key}`,
      requestFingerprint: each.fingerprint,
    };
  }

  #nextTurn(first: AcceptTurn, { branch, again, stale, text }: OperationOf<'accept'>): AcceptTurn {
    const { conversationId: id } = first;
    const current = this.model.conversations.get(id)?.head ?? null;
    const head = stale ? (this.model.path(id, current)[1]?.id ?? null) : current;
    const onHead = this.model.path(id, head).at(-1) ?? null;
    const parent = branch === null ? onHead : this.#node(id, branch);
    const input = [samples.newNode(parent, 'user', text)];
    const next = samples.nextTurn(first, parent, { head, input });
    if (!again || parent === null) return next;
    return samples.repeatedTurn({ ...next, inputNode: parent.id }, head);
  }

  #ending(each: OperationOf<'finish'>): FinishTurn | null {
    const running = this.#all.find(
      ({ conversationId, turnId }) => this.model.activeTurn(conversationId) === turnId,
    );
    const turn = (each.running ? running : undefined) ?? this.#pick(each.turn);
    if (turn === undefined) return null;
    const answered = each.answered && each.status !== 'failed';
    const input = this.model.path(turn.conversationId, turn.inputNode).at(-1) ?? null;
    return samples.ending(turn, {
      status: each.status,
      endedAt: this.#now,
      ...(answered ? { output: samples.newNode(input, 'assistant', each.text) } : {}),
    });
  }
}

function byId(a: ConversationNode, b: ConversationNode): number {
  return a.id < b.id ? -1 : 1;
}
