// The contract of cancelling a turn from another gateway on the same data: the one that runs it is asked to.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { ConversationStore } from '../store.ts';
import { accepted, answerTo, ending, firstTurn, newScope } from './samples.ts';

export function cancelContract(
  own: () => ConversationStore,
  neighbour: () => ConversationStore,
): void {
  describe('a request to cancel', () => {
    test('is found by the gateway that runs the turn, and by no other, until the turn ends', async () => {
      const turn = await accepted(own(), firstTurn(newScope()));
      const other = await accepted(own(), firstTurn(newScope()));
      expect(await own().cancelRequests()).toEqual([]);
      for (let again = 0; again < 2; again++) {
        expect(await neighbour().requestCancel(turn.turnId)).toBe('requested');
        expect(await own().cancelRequests()).toEqual([turn.turnId]);
        expect(await neighbour().cancelRequests()).toEqual([]);
      }
      // It changes nothing by itself.
      expect(await own().turn(turn.scope, turn.turnId)).toMatchObject({ status: 'accepted' });
      expect(await own().append([{ turnId: turn.turnId, seq: 0, payload: 'x' }])).toBe(true);
      await own().finish(ending(turn, { status: 'cancelled' }));
      expect(await own().cancelRequests()).toEqual([]);
      await own().finish(ending(other, { status: 'cancelled' }));
    });

    test('comes too late for a turn that is over, gone or unknown', async () => {
      const turn = await accepted(own(), firstTurn(newScope()));
      await own().finish(ending(turn, { output: answerTo(turn) }));
      expect(await neighbour().requestCancel(turn.turnId)).toBe('over');
      await own().remove(turn.scope, turn.conversationId);
      expect(await neighbour().requestCancel(turn.turnId)).toBe('over');
      expect(await neighbour().requestCancel(newId('turn'))).toBe('over');
    });

    test('has nobody to go to where no other gateway runs the turn', async () => {
      const turn = await accepted(own(), firstTurn(newScope()));
      expect(await own().requestCancel(turn.turnId)).toBe('unattended');
      await own().finish(ending(turn, { status: 'cancelled' }));
    });
  });

  test('an ending that takes in less than was written is refused, and changes nothing', async () => {
    const turn = await accepted(own(), firstTurn(newScope()));
    const { turnId } = turn;
    const event = (seq: number) => ({ turnId, seq, payload: 'frame' });
    const end = (lastSeq: number) =>
      neighbour().finish(ending(turn, { status: 'cancelled', output: answerTo(turn), lastSeq }));
    await own().append([event(0)]);
    expect(await end(-1)).toBe(false);
    await own().append([event(1)]);
    expect(await end(0)).toBe(false);
    expect(await own().turn(turn.scope, turnId)).toMatchObject({ status: 'accepted' });
    expect(await end(1)).toBe(true);
    expect(await own().append([event(2)])).toBe(false);
  });
}
