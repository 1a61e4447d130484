// The writer without its thread: what becomes of a batch when one command, the disk or COMMIT fails.
import { Database, SQLiteError } from 'bun:sqlite';
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { firstTurn, newNode, newScope } from '../conversations/contract/samples.ts';
import type { AcceptTurn } from '../conversations/store.ts';
import { newId } from '../domain/ids.ts';
import { createFile } from './connection.ts';
import { Ledger } from './ledger.ts';
import { newPlace } from './testing/places.ts';
import type { Place } from './testing/places.ts';
import type { BatchResult, Command } from './writer-protocol.ts';

let place: Place;
let ledger: Ledger;

beforeEach(() => {
  place = newPlace();
  createFile(place.path);
  ledger = new Ledger({ path: place.path, durability: 'full', instance: newId('inst') });
});

afterEach(async () => {
  ledger.close();
  await place[Symbol.asyncDispose]();
});

test('a command that fails is undone alone, and the rest of its batch is committed', () => {
  const [good, bad, better] = [firstTurn(newScope()), faulty(), firstTurn(newScope())];
  const { results, outcome } = run(good, bad, better);
  expect(outcome).toBe('committed');
  expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
  expect(results[1]).toMatchObject({ failure: { kind: 'fault' } });
  expect(turns()).toEqual([good.turnId, better.turnId].toSorted());
});

test('a full disk fails what does not fit, keeps what does, and the writer goes on when there is room', () => {
  limitPages(3);
  const [small, large] = [firstTurn(newScope()), megabyte()];
  const { results } = run(small, large);
  expect(results.at(1)).toMatchObject({ failure: { kind: 'unavailable', code: 'SQLITE_FULL' } });
  expect(turns()).toEqual(results[0]?.ok === true ? [small.turnId] : []);
  limitPages(10_000);
  expect(run(large)).toMatchObject({ outcome: 'committed', results: [{ ok: true }] });
  expect(turns()).toContain(large.turnId);
  expect(quickCheck()).toBe('ok');
});

test('a COMMIT that finds the disk full fails the whole batch, of which nothing stays', () => {
  const [one, two] = [firstTurn(newScope()), firstTurn(newScope())];
  failCommit('SQLITE_FULL', 'before');
  expect(run(one, two)).toMatchObject({
    outcome: 'rolled_back',
    results: [{ ok: false }, { ok: false }],
  });
  expect(turns()).toEqual([]);
  expect(run(one, two)).toMatchObject({ outcome: 'committed' });
});

test('a batch that has queued for long waits for a lock no longer than was left, and the next as ever', () => {
  const [late, next] = [firstTurn(newScope()), firstTurn(newScope())];
  const waits = () => ledger.database?.query('PRAGMA busy_timeout').values();
  const usual = waits();
  using other = new Database(place.path);
  other.run('BEGIN IMMEDIATE');
  const startedAt = performance.now();
  const batch = { commands: [accept(late)], abandoned: [], waitedMs: 4_900 };
  const refused = { ok: false, failure: { kind: 'unavailable', code: 'SQLITE_BUSY' } };
  expect(ledger.run(batch)).toMatchObject({ outcome: 'rolled_back', results: [refused] });
  // The usual time is 5 s.
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  expect(waits()).toEqual(usual);
  other.run('ROLLBACK');
  expect(ledger.run({ ...batch, waitedMs: 60_000 })).toMatchObject({ outcome: 'committed' });
  expect(run(next)).toMatchObject({ outcome: 'committed' });
});

for (const when of ['before', 'after'] as const) {
  test(`a COMMIT whose fsync fails ${when} it was written is unknown, and its turns are ended`, () => {
    const turn = firstTurn(newScope());
    const broken = ledger.database;
    failCommit('SQLITE_IOERR_FSYNC', when);
    expect(run(turn)).toMatchObject({ outcome: 'unknown', results: [{ ok: false }] });
    const next = firstTurn(newScope());
    const batch = { commands: [accept(next)], abandoned: [turn.turnId], waitedMs: 0 };
    expect(ledger.run(batch)).toMatchObject({ outcome: 'committed', results: [{ ok: true }] });
    expect(ledger.database).not.toBe(broken);
    expect(turns('accepted')).toEqual([next.turnId]);
    expect(turns('failed')).toEqual(when === 'after' ? [turn.turnId] : []);
  });
}

test('an I/O error in the midst of a batch fails all of it and opens the file anew', () => {
  const broken = ledger.database;
  failStatement('SAVEPOINT command', 'SQLITE_IOERR_READ');
  expect(run(firstTurn(newScope()))).toMatchObject({
    outcome: 'rolled_back',
    results: [{ ok: false }],
  });
  expect(run(firstTurn(newScope()))).toMatchObject({ outcome: 'committed' });
  expect(ledger.database).not.toBe(broken);
});

test('a file that was made read-only fails every write with its reason, until it is not', () => {
  ledger.database?.run('PRAGMA query_only = ON');
  const turn = firstTurn(newScope());
  expect(run(turn)).toMatchObject({
    results: [{ ok: false, failure: { kind: 'unavailable', code: 'SQLITE_READONLY' } }],
  });
  ledger.database?.run('PRAGMA query_only = OFF');
  expect(run(turn)).toMatchObject({ outcome: 'committed' });
});

test("another process's lock fails the batch after a while, and only that one", () => {
  using other = new Database(place.path);
  other.run('BEGIN IMMEDIATE');
  ledger.database?.run('PRAGMA busy_timeout = 1');
  expect(run(firstTurn(newScope()))).toMatchObject({
    outcome: 'rolled_back',
    results: [{ failure: { kind: 'unavailable', code: 'SQLITE_BUSY' } }],
  });
  other.run('ROLLBACK');
  expect(run(firstTurn(newScope()))).toMatchObject({ outcome: 'committed' });
});

test('a batch of events alone is not synced, any other is', () => {
  const sync = () => ledger.database?.query('PRAGMA synchronous').values()[0]?.[0];
  ledger.run({ commands: [{ kind: 'append', input: [] }], abandoned: [], waitedMs: 0 });
  expect(sync()).toBe(1);
  ledger.run({
    commands: [{ kind: 'append', input: [] }, accept(firstTurn(newScope()))],
    abandoned: [],
    waitedMs: 0,
  });
  expect(sync()).toBe(2);
});

function accept(input: AcceptTurn): Command {
  return { kind: 'accept', input };
}

function run(...batch: AcceptTurn[]): BatchResult {
  return ledger.run({ commands: batch.map(accept), abandoned: [], waitedMs: 0 });
}

/** Fails halfway: its conversation is inserted before its second message is found to be astray. */
function faulty(): AcceptTurn {
  return firstTurn(newScope(), { input: [newNode(null, 'user', 'a'), newNode(null, 'user', 'b')] });
}

function megabyte(): AcceptTurn {
  return firstTurn(newScope(), { input: [newNode(null, 'user', 'x'.repeat(1_000_000))] });
}

function turns(status = 'accepted'): unknown[] {
  const query = ledger.database?.query('SELECT id FROM turn WHERE status = ? ORDER BY id');
  return query?.values(status).flat() ?? [];
}

function quickCheck(): unknown {
  return ledger.database?.query('PRAGMA quick_check').values()[0]?.[0];
}

/** As a full disk does, but on any file system: lets the file grow by so many pages. */
function limitPages(more: number): void {
  const pages = Number(ledger.database?.query('PRAGMA page_count').values()[0]?.[0]);
  ledger.database?.run(`PRAGMA max_page_count = ${pages + more}`);
}

function failCommit(code: string, when: 'before' | 'after'): void {
  failStatement('COMMIT', code, when);
}

/** Has the connection's next statement of this text fail with SQLite's error, before or after it takes effect. */
function failStatement(sql: string, code: string, when: 'before' | 'after' = 'before'): void {
  const { database } = ledger;
  if (database === undefined) throw new Error('the ledger is open');
  const original = database.run.bind(database);
  database.run = (statement: string) => {
    if (statement !== sql) return original(statement);
    database.run = original;
    if (when === 'after') original(statement);
    throw plantedError(code);
  };
}

/** SQLite's errors cannot be made; they are told by their name. */
function plantedError(code: string): Error {
  const error = Object.assign(new Error(`planted ${code}`), { name: 'SQLiteError', code });
  if (!(error instanceof SQLiteError)) throw new Error('this is not how Bun tells them');
  return error;
}
