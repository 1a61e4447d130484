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
    turnSealing: fail,
    turnWithKey: fail,
    archive: fail,
    events: fail,
    cancelRequests: fail,
    accept: fail,
    start: fail,
    append: fail,
    requestCancel: fail,
    finish: fail,
    change: fail,
    remove: fail,
    fork: fail,
    restore: fail,
    moveHead: fail,
    suggestTitle: fail,
    collectEvents: fail,
    recover: fail,
    probe: () => Promise.reject(new Error(problemFor(cause))),
    rest: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** What /readyz tells everybody: the reason, but no path of the machine, which the log has. */
function problemFor(cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return reason.replaceAll(/(?:\/[^\s/:]+)+/g, 'the file');
}
