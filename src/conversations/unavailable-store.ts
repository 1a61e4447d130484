// The store of a gateway whose database cannot be used: every call says why, and /v1 goes on without it.
import { GatewayError } from '../domain/errors.ts';
import type { ConversationStore } from './store.ts';

export function unavailableStore(cause: unknown): ConversationStore {
  const fail = (): Promise<never> =>
    Promise.reject(
      cause instanceof GatewayError ? cause : new GatewayError('storage_unavailable', { cause }),
    );
  return {
    conversation: fail,
    path: fail,
    blobs: fail,
    list: fail,
    turn: fail,
    events: fail,
    accept: fail,
    start: fail,
    append: fail,
    finish: fail,
    change: fail,
    remove: fail,
    recover: fail,
    probe: fail,
    close: () => Promise.resolve(),
  };
}
