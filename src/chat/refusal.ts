// Why the store did not take a turn, as its client is told.
import type { AcceptOutcome } from '../conversations/store.ts';
import { GatewayError } from '../domain/errors.ts';

export type RefusedOutcome = Exclude<
  AcceptOutcome,
  { outcome: 'accepted' | 'repeated' | 'outdated' }
>;

export function refusal(result: RefusedOutcome): GatewayError {
  switch (result.outcome) {
    case 'busy':
      return new GatewayError('conversation_busy', {
        message: `The turn ${result.turnId} of this conversation is still running. Wait for it to end, then send the message again.`,
        param: 'conversation_id',
        retryAfterMs: 1_000,
      });
    case 'not_found':
      return new GatewayError('conversation_not_found', { param: 'conversation_id' });
    case 'key_reused':
      return new GatewayError('idempotency_key_reused', { param: 'idempotency-key' });
    case 'head_moved':
      return new GatewayError('head_moved', { param: 'expected_head' });
    default:
      return result satisfies never;
  }
}
