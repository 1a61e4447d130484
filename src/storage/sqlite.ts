// The SQLite adapter of the store: one file, readers on the event loop's thread, one writer in a thread of its own.
// Several processes may share the file; see liveness.ts for how they know of each other.
import type { Database } from 'bun:sqlite';
import type { ConversationStore } from '../conversations/store.ts';
import { newId } from '../domain/ids.ts';
import { createFile, dropPages, openForReading } from './connection.ts';
import type { Durability } from './connection.ts';
import { closed, describeFailure, toError } from './failure.ts';
import { claimLife } from './liveness.ts';
import type { Life } from './liveness.ts';
import { createPathCache } from './path-cache.ts';
import { createReader } from './sqlite-reader.ts';
import type { Reader } from './sqlite-reader.ts';
import { WriterClient } from './writer-client.ts';

export interface SqliteOptions {
  /** Of the database file; its directory is made where absent. */
  readonly path: string;
  readonly durability: Durability;
}

/** Rejects with an UnusableFileError, which is for the operator: it names the file and says what to do. */
export async function openSqliteStore(options: SqliteOptions): Promise<ConversationStore> {
  const { path } = options;
  createFile(path);
  const instance = newId('inst');
  const life = claimLife(path, instance);
  const writer = new WriterClient({ ...options, instance });
  try {
    await writer.open();
    return new SqliteStore(openForReading(path), writer, life);
  } catch (error) {
    await writer.close();
    life.release();
    throw error;
  }
}

class SqliteStore implements ConversationStore {
  readonly #db: Database;
  readonly #reader: Reader;
  readonly #paths = createPathCache();
  readonly #writer: WriterClient;
  readonly #life: Life;
  #closing: Promise<void> | null = null;

  constructor(db: Database, writer: WriterClient, life: Life) {
    this.#db = db;
    this.#reader = createReader(db, { instance: life.instance, paths: this.#paths });
    this.#writer = writer;
    this.#life = life;
  }

  conversation: ConversationStore['conversation'] = (scope, id) =>
    this.#read((reader) => reader.conversation(scope, id));

  path: ConversationStore['path'] = (conversation, head) =>
    this.#read((reader) => (head === null ? [] : reader.path(conversation, head)));

  blobs: ConversationStore['blobs'] = (hashes) => this.#read((reader) => reader.blobs(hashes));

  list: ConversationStore['list'] = (scope, page) =>
    this.#read((reader) => reader.list(scope, page));

  turn: ConversationStore['turn'] = (scope, id) => this.#read((reader) => reader.turn(scope, id));

  turnWithKey: ConversationStore['turnWithKey'] = (owner, key) =>
    this.#read((reader) => reader.turnWithKey(owner, key));

  turnSealing: ConversationStore['turnSealing'] = (conversation, node) =>
    this.#read((reader) => reader.turnSealing(conversation, node));

  archive: ConversationStore['archive'] = (scope, id) =>
    this.#read((reader) => reader.archive(scope, id));

  events: ConversationStore['events'] = (turn, after) =>
    this.#read((reader) => reader.events(turn, after));

  cancelRequests: ConversationStore['cancelRequests'] = () =>
    this.#read((reader) => reader.cancelRequests());

  accept: ConversationStore['accept'] = (turn) =>
    this.#writer.write({ kind: 'accept', input: turn });

  start: ConversationStore['start'] = (turn) => this.#writer.write({ kind: 'start', input: turn });

  append: ConversationStore['append'] = (events) =>
    this.#writer.write({ kind: 'append', input: events });

  requestCancel: ConversationStore['requestCancel'] = (turnId) =>
    this.#writer.write({ kind: 'requestCancel', input: { turnId } });

  finish: ConversationStore['finish'] = (turn) =>
    this.#writer.write({ kind: 'finish', input: turn });

  change: ConversationStore['change'] = (scope, id, changes) =>
    this.#writer.write({ kind: 'change', input: { scope, id, changes } });

  remove: ConversationStore['remove'] = async (scope, id) => {
    const removed = await this.#writer.write({ kind: 'remove', input: { scope, id } });
    if (removed) this.#paths.forget(id);
    return removed;
  };

  fork: ConversationStore['fork'] = (fork) => this.#writer.write({ kind: 'fork', input: fork });

  restore: ConversationStore['restore'] = (scope, archive) =>
    this.#writer.write({ kind: 'restore', input: { scope, archive } });

  moveHead: ConversationStore['moveHead'] = (scope, id, node) =>
    this.#writer.write({ kind: 'moveHead', input: { scope, id, node } });

  suggestTitle: ConversationStore['suggestTitle'] = (id, title) =>
    this.#writer.write({ kind: 'suggestTitle', input: { id, title } });

  collectEvents: ConversationStore['collectEvents'] = (endedBefore) =>
    this.#writer.write({ kind: 'collectEvents', input: { endedBefore } });

  recover: ConversationStore['recover'] = (endedAt) =>
    this.#writer.write({ kind: 'recover', input: { endedAt } });

  async probe(): Promise<void> {
    await this.#read((reader) => reader.probe());
    await this.#writer.write({ kind: 'probe', input: null });
  }

  async rest(): Promise<void> {
    this.#paths.clear();
    dropPages(this.#db);
    await this.#writer.write({ kind: 'rest', input: null });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Before the writer's: the last connection to go is the one that clears the log away.
    this.#db.close(true);
    await this.#writer.close();
    this.#life.release();
  }

  /** Reads answer at once; the promise is the port's, for adapters whose database is elsewhere. */
  async #read<T>(read: (reader: Reader) => T | Promise<T>): Promise<T> {
    if (this.#closing !== null) throw closed();
    try {
      return await read(this.#reader);
    } catch (error) {
      // A search can be under way when the store is closed.
      throw this.#closing === null ? toError(describeFailure(error)) : closed();
    }
  }
}
