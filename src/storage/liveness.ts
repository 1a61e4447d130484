// Whether another gateway on the same file still lives, so that recovery never ends a turn that somebody is working
// on. Each holds a lock on a small file of its own for as long as it lives; the kernel lets go of it however the
// process ends. Process ids cannot tell this: they are reused, and containers that share a volume all have pid 1.
// The lock is SQLite's own, which is the one portable lock that Bun has.
import { Database, SQLiteError } from 'bun:sqlite';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { UnusableFileError } from './failure.ts';

export interface Life {
  readonly instance: string;
  release(): void;
}

/** Takes the lock of a new instance. Its row may be written only after this. */
export function claimLife(databasePath: string, instance: string): Life {
  const path = lockPath(databasePath, instance);
  try {
    closeSync(openSync(path, 'a', 0o600));
    const lock = new Database(path, { readwrite: true, create: false });
    // Otherwise a journal file appears beside the lock.
    lock.run('PRAGMA journal_mode = MEMORY');
    lock.run('BEGIN EXCLUSIVE');
    return {
      instance,
      release: () => {
        lock.close(true);
        rmSync(path, { force: true });
      },
    };
  } catch (error) {
    throw new UnusableFileError(`${path} cannot be made and locked: ${String(error)}.`, {
      cause: error,
    });
  }
}

/** When in doubt an instance lives: its turns then wait for it, which loses nothing. */
export function isAlive(databasePath: string, instance: string): boolean {
  const path = lockPath(databasePath, instance);
  if (!existsSync(path)) return false;
  try {
    using lock = new Database(path, { readwrite: true, create: false });
    lock.run('BEGIN IMMEDIATE');
    return false;
  } catch (error) {
    if (error instanceof SQLiteError) return existsSync(path);
    throw error;
  }
}

/** Clears up after an instance that died. */
export function buryLife(databasePath: string, instance: string): void {
  rmSync(lockPath(databasePath, instance), { force: true });
}

function lockPath(databasePath: string, instance: string): string {
  return `${databasePath}.${instance}.live`;
}
