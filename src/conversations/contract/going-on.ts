// The contract of a turn that is built on what was known after the turn before: it is taken only where that still holds.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { AcceptTurn, ConversationStore } from '../store.ts';
import { accepted, ending, exchange, firstTurn, newScope, nextTurn } from './samples.ts';

const OUTDATED = { outcome: 'outdated' } as const;

type Deed = (store: ConversationStore, turn: AcceptTurn) => Promise<unknown>;

/** What makes it uncertain, done by this gateway. */
const CHANGES: Readonly<Record<string, Deed>> = {
  'a new title': (store, { scope, conversationId }) =>
    store.change(scope, conversationId, { title: 'Other' }),
  'a suggested title': (store, { conversationId }) => store.suggestTitle(conversationId, 'Other'),
  'another head': (store, { scope, conversationId, inputNode }) =>
    store.moveHead(scope, conversationId, inputNode),
  'its removal and import': async (store, { scope, conversationId }) => {
    const archive = await store.archive(scope, conversationId);
    await store.remove(scope, conversationId);
    if (archive) await store.restore(scope, archive);
  },
};

export function goingOnContract(
  own: () => ConversationStore,
  neighbour: () => ConversationStore,
): void {
  describe('a turn that goes on from the turn before', () => {
    test('is accepted where nothing has happened to the conversation since, whatever happened to others', async () => {
      const first = await exchange(own(), firstTurn(newScope()));
      await exchange(own(), firstTurn(newScope()));
      const after = first.turn.turnId;
      const second = await exchange(own(), nextTurn(first.turn, first.output, { after }));
      await accepted(own(), nextTurn(second.turn, second.output, { after: second.turn.turnId }));
    });

    test.each(Object.entries(CHANGES))('is outdated after %s', async (_, change) => {
      const { turn, output } = await exchange(own(), firstTurn(newScope()));
      await change(own(), turn);
      const next = nextTurn(turn, output, { after: turn.turnId });
      expect(await own().accept(next)).toEqual(OUTDATED);
      expect(await own().turn(turn.scope, next.turnId)).toBeNull();
    });

    test('is outdated after another turn, also one that left nothing, and after a turn that nobody knows', async () => {
      const { turn, output } = await exchange(own(), firstTurn(newScope()));
      const failed = await accepted(own(), nextTurn(turn, output));
      await own().finish(ending(failed, { status: 'failed', errorCode: 'upstream_interrupted' }));
      for (const after of [turn.turnId, newId('turn')])
        expect(await own().accept(nextTurn(turn, output, { after }))).toEqual(OUTDATED);
    });

    test('is outdated after anything that another gateway wrote', async () => {
      const { turn, output } = await exchange(own(), firstTurn(newScope()));
      await exchange(neighbour(), firstTurn(newScope()));
      const next = nextTurn(turn, output, { after: turn.turnId });
      expect(await own().accept(next)).toEqual(OUTDATED);
      // Once it has been read anew it is known again.
      const { after: _, ...readAnew } = next;
      const second = await exchange(own(), readAnew);
      await accepted(own(), nextTurn(second.turn, second.output, { after: second.turn.turnId }));
    });

    test('is outdated at a gateway that did not accept the turn before', async () => {
      const { turn, output } = await exchange(own(), firstTurn(newScope()));
      const next = nextTurn(turn, output, { after: turn.turnId });
      expect(await neighbour().accept(next)).toEqual(OUTDATED);
    });

    test('is told of what is so all the same: its key, a running turn, a conversation that is gone', async () => {
      const { turn, output } = await exchange(own(), firstTurn(newScope()));
      const after = newId('turn');
      const idempotencyKey = newId('req');
      const running = await accepted(own(), nextTurn(turn, output, { idempotencyKey }));
      const { turnId } = running;
      const again = { ...running, turnId: newId('turn'), after };
      expect(await own().accept(again)).toEqual({ outcome: 'repeated', turnId });
      const rival = nextTurn(turn, output, { after });
      expect(await own().accept(rival)).toEqual({ outcome: 'busy', turnId });
      await own().finish(ending(running, { status: 'cancelled' }));
      await own().remove(turn.scope, turn.conversationId);
      expect(await own().accept(rival)).toEqual({ outcome: 'not_found' });
    });
  });
}
