// Asking another process to end a turn that it runs: a mark on the turn, which that process looks for.
import type { Database } from 'bun:sqlite';
import type { CancelRequest } from '../conversations/store.ts';
import { isAlive } from './liveness.ts';
import type { LedgerOptions } from './writer-protocol.ts';

export function createRequestCancel(
  db: Database,
  { path, instance }: LedgerOptions,
): (input: { readonly turnId: string }) => CancelRequest {
  const open = db.prepare<{ lease: string }, [string]>(
    "SELECT lease FROM turn WHERE id = ? AND status IN ('accepted', 'streaming')",
  );
  const mark = db.prepare<null, [string]>('UPDATE turn SET cancel_requested = 1 WHERE id = ?');
  return ({ turnId }) => {
    const turn = open.get(turnId);
    if (turn === null) return 'over';
    if (turn.lease === instance || !isAlive(path, turn.lease)) return 'unattended';
    mark.run(turnId);
    return 'requested';
  };
}
