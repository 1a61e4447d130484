// The contract of removal: everything of a conversation goes, and nothing of another.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { ConversationStore } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, answerTo, ending, exchange, firstTurn, newBlob, newNode, newScope, nextTurn } =
  samples;

export function removalContract(open: () => ConversationStore): void {
  describe('removing a conversation', () => {
    takesEverything(open);
    sparesOthers(open);
    whileActive(open);
  });
}

function takesEverything(open: () => ConversationStore): void {
  test('takes its messages, turns, events and search entries', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()), 'walrus');
    const { scope, conversationId: id, turnId } = turn;
    const second = await exchange(open(), nextTurn(turn, output));
    await open().append([{ turnId, seq: 0, payload: 'x' }]);
    expect(await open().remove(scope, id)).toBe(true);
    expect(await open().conversation(scope, id)).toBeNull();
    expect(await open().path(id, second.output.id)).toEqual([]);
    expect(await open().turn(scope, turnId)).toBeNull();
    expect(await open().events(turnId, -1)).toEqual([]);
    for (const query of [null, 'walrus', 'wa', 'title']) {
      const page = await open().list(scope, { limit: 9, offset: 0, query });
      expect(page).toEqual({ items: [], total: 0 });
    }
    expect(await open().remove(scope, id)).toBe(false);
    expect((await open().accept(nextTurn(turn, output))).outcome).toBe('not_found');
  });

  test('frees its idempotency keys', async () => {
    const turn = firstTurn(newScope(), { idempotencyKey: newId('req') });
    await exchange(open(), turn);
    await open().remove(turn.scope, turn.conversationId);
    await accepted(open(), { ...turn, turnId: newId('turn') });
  });
}

function sparesOthers(open: () => ConversationStore): void {
  test('keeps the images that another conversation shows, until that goes too', async () => {
    const [shared, own] = [newBlob(`shared ${Math.random()}`), newBlob(`own ${Math.random()}`)];
    const hashes = [shared.sha256, own.sha256];
    const input = [newNode(null, 'user', { blobs: hashes })];
    const one = await exchange(open(), firstTurn(newScope(), { input, blobs: [shared, own] }));
    const other = [newNode(null, 'user', { blobs: [shared.sha256] })];
    const two = await exchange(open(), firstTurn(newScope(), { input: other, blobs: [shared] }));
    await open().remove(one.turn.scope, one.turn.conversationId);
    expect((await open().blobs(hashes)).map(({ sha256 }) => sha256)).toEqual([shared.sha256]);
    await open().remove(two.turn.scope, two.turn.conversationId);
    expect(await open().blobs(hashes)).toEqual([]);
  });

  test('leaves other conversations as they were', async () => {
    const scope = newScope();
    const gone = await exchange(open(), firstTurn(scope), 'walrus');
    const kept = await exchange(open(), firstTurn(scope), 'walrus too');
    const before = await open().conversation(scope, kept.turn.conversationId);
    await open().remove(scope, gone.turn.conversationId);
    const page = await open().list(scope, { limit: 9, offset: 0, query: 'walrus' });
    expect(page.items).toEqual([before].flatMap((conversation) => conversation ?? []));
    expect(await open().path(kept.turn.conversationId, kept.output.id)).toHaveLength(2);
  });

  test('is for its owner and user only', async () => {
    const scope = newScope('eve');
    const { turn } = await exchange(open(), firstTurn(scope));
    for (const stranger of [
      newScope('eve'),
      { ...scope, userId: null },
      { ...scope, userId: '' },
    ]) {
      expect(await open().remove(stranger, turn.conversationId)).toBe(false);
    }
    expect(await open().conversation(scope, turn.conversationId)).not.toBeNull();
  });
}

function whileActive(open: () => ConversationStore): void {
  test('while a turn is active makes what the turn still writes harmless', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    const { turnId, scope, conversationId } = turn;
    expect(await open().remove(scope, conversationId)).toBe(true);
    await open().start({ turnId, upstream: 'u', upstreamModel: 'm', startedAt: 1 });
    await open().append([{ turnId, seq: 0, payload: 'x' }]);
    expect(await open().finish(ending(turn, { output: answerTo(turn) }))).toBe(false);
    expect(await open().turn(scope, turnId)).toBeNull();
    expect(await open().events(turnId, -1)).toEqual([]);
    expect(await open().conversation(scope, conversationId)).toBeNull();
  });

  test('in the midst of writes leaves none of them behind', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    const { turnId, scope, conversationId } = turn;
    const output = answerTo(turn, 'walrus');
    const [, , removed] = await Promise.all([
      open().append([{ turnId, seq: 0, payload: 'x' }]),
      open().finish(ending(turn, { output })),
      open().remove(scope, conversationId),
      open().append([{ turnId, seq: 1, payload: 'y' }]),
    ]);
    expect(removed).toBe(true);
    expect(await open().events(turnId, -1)).toEqual([]);
    expect(await open().path(conversationId, output.id)).toEqual([]);
  });
}
