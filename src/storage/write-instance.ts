// What concerns the process rather than a conversation: its row, the turns that dead processes left open, and the
// writer's sign of life.
import type { Database } from 'bun:sqlite';
import type { ErrorCode } from '../domain/errors.ts';
import { buryLife, isAlive } from './liveness.ts';
import type { LedgerOptions } from './writer-protocol.ts';

export interface InstanceWrites {
  register(): void;
  recover(input: { readonly endedAt: number }): number;
  /** Ends turns whose acceptance was answered with an error, but may have been written. */
  abandon(turns: readonly string[]): void;
  probe(): void;
  /** Leaves the row, which is what recovery goes by, where turns are still open. */
  unregister(): void;
}

const OPEN = "status IN ('accepted', 'streaming')";

export function createInstanceWrites(db: Database, options: LedgerOptions): InstanceWrites {
  const { instance, path } = options;
  const register = db.prepare<null, [string, number]>(
    'INSERT OR IGNORE INTO instance (id, pid) VALUES (?, ?)',
  );
  const probe = db.prepare<null, [string]>('UPDATE instance SET probes = probes + 1 WHERE id = ?');
  const unregister = db.prepare<null, [string]>(
    `DELETE FROM instance WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM turn WHERE lease = ?1 AND ${OPEN})`,
  );
  const abandon = db.prepare<null, [ErrorCode, string]>(`
    UPDATE turn SET status = 'failed', error_code = ?, ended_at = created_at
    WHERE id = ? AND ${OPEN}`);
  return {
    register: () => void register.run(instance, process.pid),
    recover: createRecover(db, path, instance),
    abandon: (turns) => {
      for (const turn of turns) abandon.run('storage_unavailable', turn);
    },
    probe: () => {
      if (probe.run(instance).changes !== 1) register.run(instance, process.pid);
    },
    unregister: () => void unregister.run(instance),
  };
}

function createRecover(
  db: Database,
  path: string,
  instance: string,
): (input: { readonly endedAt: number }) => number {
  const others = db.prepare<{ id: string }, [string]>('SELECT id FROM instance WHERE id <> ?');
  // A lease without a row is of a process that closed its store with the turn still open.
  const fail = db.prepare<null, [ErrorCode, number, string]>(`
    UPDATE turn SET status = 'failed', error_code = ?, ended_at = ?
    WHERE ${OPEN} AND lease NOT IN (SELECT value FROM json_each(?))`);
  const remove = db.prepare<null, [string]>('DELETE FROM instance WHERE id = ?');
  return ({ endedAt }) => {
    const rest = others.all(instance).map(({ id }) => id);
    const dead = rest.filter((id) => !isAlive(path, id));
    const living = [instance, ...rest.filter((id) => !dead.includes(id))];
    const ended = fail.run('upstream_interrupted', endedAt, JSON.stringify(living)).changes;
    for (const id of dead) {
      remove.run(id);
      buryLife(path, id);
    }
    return ended;
  };
}
