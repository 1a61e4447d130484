// The schema's history. A migration is never edited once released: append the next number, and the file is brought
// up to date when it is opened. `PRAGMA user_version` holds the number of the last one applied.
import type { Database } from 'bun:sqlite';
import { UnusableFileError } from './failure.ts';
import ledger from './migrations/0001-ledger.sql' with { type: 'text' };
import errorReply from './migrations/0002-error-reply.sql' with { type: 'text' };
import prefixBreak from './migrations/0003-prefix-break.sql' with { type: 'text' };
import cancelRequested from './migrations/0004-cancel-requested.sql' with { type: 'text' };

const MIGRATIONS: readonly string[] = [ledger, errorReply, prefixBreak, cancelRequested];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** "DGXC": tells a file of ours from another program's. */
export const APPLICATION_ID = 0x44475843;

/** Refuses a file that is another program's, or that a newer gateway has written. */
export function assertOurs(db: Database, path: string): void {
  const version = readVersion(db);
  if (version > SCHEMA_VERSION) {
    throw new UnusableFileError(
      `${path} has schema version ${version}, written by a newer gateway; this one knows versions up to ` +
        `${SCHEMA_VERSION}. Start the newer gateway, or restore a backup from before its first start.`,
    );
  }
  const { application_id: application } = db
    .prepare<{ application_id: number }, []>('PRAGMA application_id')
    .get() ?? { application_id: 0 };
  const { count } = db
    .prepare<{ count: number }, []>('SELECT count(*) AS count FROM sqlite_schema')
    .get() ?? { count: 0 };
  if (application !== APPLICATION_ID && count > 0) {
    throw new UnusableFileError(
      `${path} is a database of another program. It was left as it is; name another file.`,
    );
  }
}

/** Brings the schema up to date: all missing migrations in one transaction, so that a crash leaves the old schema. */
export function migrate(db: Database): void {
  if (readVersion(db) === SCHEMA_VERSION) return;
  db.transaction(() => {
    // Read again under the write lock: another process may have migrated meanwhile.
    for (let version = readVersion(db); version < SCHEMA_VERSION; version += 1) {
      db.run(MIGRATIONS[version] ?? '');
      db.run(`PRAGMA user_version = ${version + 1}`);
    }
    db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
  }).immediate();
}

function readVersion(db: Database): number {
  return db.prepare<{ user_version: number }, []>('PRAGMA user_version').get()?.user_version ?? 0;
}
