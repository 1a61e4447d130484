// The writer's side of the database, without its thread: runs batches of commands, one transaction each, so that
// many turns share one fsync. Every command has a savepoint: one that fails takes nothing else with it.
import type { Database } from 'bun:sqlite';
import { dropPages, openChecked, reopen, setBusyTimeout, setSync } from './connection.ts';
import { describeFailure } from './failure.ts';
import type { WriteFailure } from './failure.ts';
import { createSearchIndex } from './search-index.ts';
import { createUntouched } from './untouched.ts';
import { createAccept } from './write-accept.ts';
import { createFork, createMoveHead } from './write-branch.ts';
import { createChange, createRemove, createSuggestTitle } from './write-conversation.ts';
import { createRequestCancel } from './write-cancel.ts';
import { createAppend, createCollect, createFinish, createStart } from './write-finish.ts';
import { createInstanceWrites } from './write-instance.ts';
import type { InstanceWrites } from './write-instance.ts';
import { createRestore } from './write-restore.ts';
import type {
  Batch,
  BatchResult,
  Command,
  CommandResult,
  LedgerOptions,
  WriteKind,
  Writes,
} from './writer-protocol.ts';

type Handlers = { [K in WriteKind]: (input: Writes[K]['input']) => Writes[K]['result'] };

interface Connection {
  readonly db: Database;
  readonly handlers: Handlers;
  readonly instance: InstanceWrites;
}

/** Their loss in a power cut is made good by recovery, which ends the turn: so they need no fsync of their own. */
const NOT_SYNCED: ReadonlySet<WriteKind> = new Set<WriteKind>(['start', 'append', 'requestCancel']);

/** Less is the usual wait for the batch before. */
const NOTICED_WAIT_MS = 100;

/** After these the connection cannot be trusted with another command. */
const BROKEN = /^SQLITE_(IOERR|CORRUPT|NOTADB|NOMEM|CANTOPEN)/;

export class Ledger {
  readonly #options: LedgerOptions;
  #connection: Connection | null;

  /** Refuses a file that cannot be used, with a message for the operator. */
  constructor(options: LedgerOptions) {
    this.#options = options;
    const { path, durability } = options;
    this.#connection = openChecked(path, durability, (db) => connect(db, options));
  }

  run(batch: Batch): BatchResult {
    try {
      this.#connection ??= connect(reopen(this.#options.path), this.#options);
    } catch (error) {
      return allFailed(batch, 'rolled_back', describeFailure(error));
    }
    const { db } = this.#connection;
    const wasHeldUp = batch.waitedMs > NOTICED_WAIT_MS;
    if (wasHeldUp) setBusyTimeout(db, batch.waitedMs);
    const result = this.#transact(this.#connection, batch);
    if (wasHeldUp && this.#connection !== null) setBusyTimeout(db, 0);
    if (result.outcome === 'committed' && removesSomething(batch)) truncateLog(db);
    return result;
  }

  /** Everything into the one file, best effort: another process or a full disk may be in the way. */
  close(): void {
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    try {
      connection.instance.unregister();
    } finally {
      truncateLog(connection.db);
      connection.db.close(true);
    }
  }

  /** For tests, which limit the size of the file with it. */
  get database(): Database | undefined {
    return this.#connection?.db;
  }

  #transact(connection: Connection, batch: Batch): BatchResult {
    const { db } = connection;
    let results: CommandResult[];
    try {
      setSync(db, this.#syncFor(batch));
      db.run('BEGIN IMMEDIATE');
      connection.instance.abandon(batch.abandoned);
      results = batch.commands.map((command) => runCommand(connection, command));
    } catch (error) {
      const failure = describeFailure(error);
      if (failure.code !== null && BROKEN.test(failure.code)) this.#discard();
      else if (db.inTransaction) db.run('ROLLBACK');
      return allFailed(batch, 'rolled_back', failure);
    }
    try {
      db.run('COMMIT');
      return { results, outcome: 'committed' };
    } catch (error) {
      const failure = describeFailure(error);
      if (failure.code === 'SQLITE_FULL' || failure.code === 'SQLITE_BUSY') {
        if (db.inTransaction) db.run('ROLLBACK');
        return allFailed(batch, 'rolled_back', failure);
      }
      // An fsync that failed may have written everything or nothing, and this connection would not know.
      this.#discard();
      return allFailed(batch, 'unknown', failure);
    }
  }

  #syncFor(batch: Batch): LedgerOptions['durability'] {
    return batch.commands.every(({ kind }) => NOT_SYNCED.has(kind))
      ? 'normal'
      : this.#options.durability;
  }

  #discard(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.db.close(true);
  }
}

function connect(db: Database, options: LedgerOptions): Connection {
  const search = createSearchIndex(db);
  const untouched = createUntouched(db);
  const remove = createRemove(db, search);
  const instance = createInstanceWrites(db, options);
  const handlers: Handlers = {
    accept: createAccept(db, { lease: options.instance, untouched }),
    start: createStart(db),
    append: createAppend(db),
    requestCancel: createRequestCancel(db, options),
    finish: createFinish(db, search),
    change: createChange(db),
    remove(conversation) {
      // It may be imported again, with other bytes under the same ids.
      untouched.forget(conversation.id);
      return remove(conversation);
    },
    fork: createFork(db, search),
    restore: createRestore(db, { search, lease: options.instance }),
    moveHead: createMoveHead(db, search),
    suggestTitle: createSuggestTitle(db),
    collectEvents: createCollect(db),
    recover: (input) => instance.recover(input),
    probe: () => instance.probe(),
    rest() {
      dropPages(db);
      // This thread's compiled code, once the batch is through; see decision 0041.
      Bun.shrink();
    },
  };
  instance.register();
  return { db, handlers, instance };
}

/** Throws only when the batch is lost with the command. */
function runCommand({ db, handlers }: Connection, command: Command): CommandResult {
  db.run('SAVEPOINT command');
  try {
    const value = handle(handlers, command);
    db.run('RELEASE command');
    return { ok: true, value };
  } catch (error) {
    const failure = describeFailure(error);
    // Some errors end the whole transaction, and the commands before this one with it.
    if (!db.inTransaction || (failure.code !== null && BROKEN.test(failure.code))) throw error;
    db.run('ROLLBACK TO command');
    db.run('RELEASE command');
    return { ok: false, failure };
  }
}

function handle<K extends WriteKind>(
  handlers: Handlers,
  command: { readonly kind: K; readonly input: Writes[K]['input'] },
): Writes[K]['result'] {
  return handlers[command.kind](command.input);
}

function allFailed(
  batch: Batch,
  outcome: 'rolled_back' | 'unknown',
  failure: WriteFailure,
): BatchResult {
  return { results: batch.commands.map(() => ({ ok: false, failure })), outcome };
}

function removesSomething(batch: Batch): boolean {
  return batch.commands.some(({ kind }) => kind === 'remove');
}

/** Moves the log into the file and empties it: what was removed is then in neither. A reader or another process
 * can hold it up, in which case the log is overwritten later, as it always is. */
function truncateLog(db: Database): void {
  db.run('PRAGMA busy_timeout = 0');
  try {
    db.run('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // Not what was asked for, only how soon it leaves the disk; the next commit meets the same trouble and says so.
  } finally {
    setBusyTimeout(db, 0);
  }
}
