// What went wrong with the database, in two kinds: `unavailable` (the disk, the file, a lock: worth a retry and
// told to the client as storage_unavailable) and `fault` (a bug of ours, such as a broken constraint).
// A failure crosses from the writer's thread as plain data.
import { SQLiteError } from 'bun:sqlite';
import { GatewayError } from '../domain/errors.ts';

export interface WriteFailure {
  readonly kind: 'unavailable' | 'fault';
  /** SQLite's name of the error, such as SQLITE_IOERR_FSYNC, where it is SQLite's. */
  readonly code: string | null;
  /** For the log: may name paths. */
  readonly message: string;
}

/** What a client may read about each kind of trouble, by the start of SQLite's error name: no paths in here. */
const SENTENCES: readonly (readonly [string, string])[] = [
  ['SQLITE_FULL', 'The disk that holds the conversations is full.'],
  ['SQLITE_BUSY', 'Another process is writing to the conversations for too long.'],
  ['SQLITE_LOCKED', 'Another process is writing to the conversations for too long.'],
  ['SQLITE_READONLY', 'The conversations can be read but not written.'],
  ['SQLITE_PERM', 'The gateway may not open the file of the conversations.'],
  ['SQLITE_CANTOPEN', 'The file of the conversations cannot be opened.'],
  ['SQLITE_CORRUPT', 'The file of the conversations is damaged.'],
  ['SQLITE_NOTADB', 'The file of the conversations is damaged.'],
  ['SQLITE_IOERR', 'The disk that holds the conversations reports errors.'],
];

const OUR_FAULTS = /^SQLITE_(CONSTRAINT|MISMATCH|RANGE|MISUSE|TOOBIG)/;

/** The file cannot be used at all: what the operator reads at start, with the file's name and what to do about it. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
}

export function describeFailure(error: unknown): WriteFailure {
  if (error instanceof UnusableFileError) {
    return { kind: 'unavailable', code: null, message: error.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof SQLiteError)) return { kind: 'fault', code: null, message };
  const code = error.code ?? 'SQLITE_ERROR';
  return { kind: OUR_FAULTS.test(code) ? 'fault' : 'unavailable', code, message };
}

/** The error that a caller of the store sees. */
export function toError(failure: WriteFailure): Error {
  const { code, message } = failure;
  const cause = new Error(code === null ? message : `${code}: ${message}`);
  if (failure.kind === 'fault') {
    return new Error(`The store was asked for something impossible: ${message}`, { cause });
  }
  const sentence =
    SENTENCES.find(([prefix]) => code?.startsWith(prefix))?.[1] ??
    'Conversations cannot be read or written right now.';
  return new GatewayError('storage_unavailable', {
    message: `${sentence} Try again shortly; GET /readyz shows the state of the store.`,
    cause,
  });
}

/** A failure whose text is for the client as it stands. */
export function unavailable(message: string, cause?: unknown): GatewayError {
  return new GatewayError('storage_unavailable', { message, cause });
}

export function closed(): GatewayError {
  return unavailable('The conversation store is closed: the gateway is shutting down.');
}
