// Opening the database file: what every connection must be set to, and what a file must be like before anything is
// read from or written to it. A file that cannot be trusted is refused and never touched.
import { Database } from 'bun:sqlite';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnusableFileError } from './failure.ts';
import { assertOurs, migrate } from './migrations.ts';

/** `full`: what was acknowledged survives a power cut. `normal`: it survives a crash of the process only. */
export type Durability = 'full' | 'normal';

/** How long a connection waits for another process's lock. */
const BUSY_TIMEOUT_MS = 5_000;

/** What is left of that, at the least, to a write that has queued behind others which waited: nobody else's commit takes longer. */
const LEAST_BUSY_MS = 250;

/** Before this version a WAL that was reset at the wrong moment could corrupt the file. */
const OLDEST_SQLITE = '3.51.3';

/** quick_check reads the whole file, at some 500 MB/s from memory: beyond this it would be felt at every start. */
const QUICK_CHECK_MAX_BYTES = 64 * 1024 * 1024;

/** Creates the file and its directory where absent, for nobody but us: conversations are private. */
export function createFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new UnusableFileError(`${path} cannot be opened for writing: ${reason(error)}.`, {
      cause: error,
    });
  }
}

/** The writer's connection, on a file that has been checked and brought up to date, and what `use` makes of it. */
export function openChecked<T>(path: string, durability: Durability, use: (db: Database) => T): T {
  let db: Database | undefined;
  try {
    db = open(path);
    assertSqlite(db);
    assertOurs(db, path);
    if (statSync(path).size <= QUICK_CHECK_MAX_BYTES) assertSound(db);
    prepareForWriting(db, path);
    setSync(db, durability);
    migrate(db);
    return use(db);
  } catch (error) {
    db?.close(true);
    throw error instanceof UnusableFileError ? error : refusal(path, error);
  }
}

/** The writer's connection again, after one that failed: same process, same file, so nothing is checked. */
export function reopen(path: string): Database {
  const db = open(path);
  prepareForWriting(db, path);
  return db;
}

/** A connection that cannot write, for the event loop's thread. */
export function openForReading(path: string): Database {
  const db = open(path);
  db.run('PRAGMA query_only = ON');
  return db;
}

function open(path: string): Database {
  const db = new Database(path, { readwrite: true, create: false, strict: true });
  setBusyTimeout(db, 0);
  return db;
}

function prepareForWriting(db: Database, path: string): void {
  const mode = db.prepare<{ journal_mode: string }, []>('PRAGMA journal_mode = WAL').get();
  if (mode?.journal_mode !== 'wal') {
    throw new UnusableFileError(
      `${path} is on a file system that cannot hold a database in WAL mode.`,
    );
  }
  db.run('PRAGMA foreign_keys = ON');
  // What is deleted is overwritten with zeros.
  db.run('PRAGMA secure_delete = ON');
}

/** A write that has been queued for so long waits for a lock so much shorter. */
export function setBusyTimeout(db: Database, waitedMs: number): void {
  const ms = Math.max(LEAST_BUSY_MS, Math.floor(BUSY_TIMEOUT_MS - waitedMs));
  db.run(`PRAGMA busy_timeout = ${ms}`);
}

/** Whether COMMIT waits for the disk. Only between transactions. */
export function setSync(db: Database, durability: Durability): void {
  db.run(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
}

/** The pages that SQLite keeps of the file, up to 2 MB a connection. They are read again from the system's memory. */
export function dropPages(db: Database): void {
  db.run('PRAGMA shrink_memory');
}

function assertSqlite(db: Database): void {
  const version = db.prepare<{ v: string }, []>('SELECT sqlite_version() AS v').get()?.v ?? '0';
  if (Bun.semver.order(version, OLDEST_SQLITE) < 0) {
    throw new UnusableFileError(
      `This runtime has SQLite ${version}, which can corrupt a database in WAL mode; ${OLDEST_SQLITE} or newer is needed.`,
    );
  }
}

function assertSound(db: Database): void {
  const row = db.prepare<{ quick_check: string }, []>('PRAGMA quick_check(1)').get();
  if (row?.quick_check !== 'ok') throw new Error(row?.quick_check ?? 'quick_check gave no answer');
}

function refusal(path: string, error: unknown): UnusableFileError {
  return new UnusableFileError(
    `${path} cannot be used as the conversation store: ${reason(error)}. It was left as it is. ` +
      'If it is damaged, restore it from a backup (with its -wal file, if there is one), ' +
      'or move it away to start with an empty store.',
    { cause: error },
  );
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}
