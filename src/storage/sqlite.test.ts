// The SQLite adapter against the store's contract, and what holds beyond it: the file, its threads, what is left of
// something removed.
import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  accepted,
  answerTo,
  ending,
  exchange,
  firstTurn,
  newBlob,
  newNode,
  newScope,
  refusedBy,
} from '../conversations/contract/samples.ts';
import { storeContract } from '../conversations/store.contract.ts';
import { GatewayError } from '../domain/errors.ts';
import { openForReading } from './connection.ts';
import FIRST_SCHEMA from './migrations/0001-ledger.sql' with { type: 'text' };
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';
import { newPlace } from './testing/places.ts';

storeContract('SQLite', async () => {
  const place = newPlace();
  const store = await place.open();
  const neighbour = await place.open();
  return { store, neighbour, discard: async () => place[Symbol.asyncDispose]() };
});

const ONE_FAILED_TURN = `
  INSERT INTO conversation (id, owner, epoch, created_at, last_used_at) VALUES ('c', 'o', 'e', 1, 1);
  INSERT INTO epoch VALUES ('c', 'e', 0, '{}', 'first');
  INSERT INTO node VALUES ('c', 'n', NULL, 'e', 0, 'user', x'7b7d', NULL, 'hash', 'hi', 1);
  INSERT INTO turn (id, conversation, owner, epoch, input_node, status, request_fingerprint, error_code,
    created_at, ended_at, lease)
  VALUES ('t', 'c', 'o', 'e', 'n', 'failed', 'f', 'upstream_timeout', 1, 2, 'l')`;

const DAMAGES: Readonly<Record<string, (file: Buffer) => Buffer>> = {
  'a foreign header': (file) => Buffer.concat([Buffer.from('not a database, '), file.subarray(16)]),
  'pages of noise': (file) => {
    const damaged = Buffer.from(file);
    for (let page = 2; page < file.length / 4096; page += 3)
      damaged.fill(0xa5, page * 4096, page * 4096 + 512);
    return damaged;
  },
  'its end cut off': (file) => file.subarray(0, Math.floor(file.length / 2)),
};

describe('the file', () => {
  test('is made with its directory, for nobody but the gateway', async () => {
    await using place = newPlace();
    await place.open();
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(mode(dirname(place.path))).toBe('700');
    for (const name of readdirSync(dirname(place.path))) {
      expect([name, mode(join(dirname(place.path), name))]).toEqual([name, '600']);
    }
  });

  test('is all that remains after closing, with everything in it', async () => {
    await using place = newPlace();
    const { turn } = await exchange(await place.open(), firstTurn(newScope()));
    await (await place.open()).close();
    const store = await place.open();
    expect(await store.turn(turn.scope, turn.turnId)).toMatchObject({ status: 'completed' });
  });

  test('has foreign keys, WAL, strict tables and no broken reference', async () => {
    await using place = newPlace();
    const store = await place.open();
    await exchange(store, firstTurn(newScope()));
    await store.close();
    using db = new Database(place.path);
    expect(db.query('PRAGMA journal_mode').values()).toEqual([['wal']]);
    expect(db.query('PRAGMA user_version').values()).toEqual([[SCHEMA_VERSION]]);
    expect(db.query('PRAGMA foreign_key_check').values()).toEqual([]);
    const lax = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0";
    expect(db.query(`${lax} AND type = 'table' AND name NOT LIKE 'sqlite_%'`).values()).toEqual([]);
  });

  test('of the first schema is brought up to date, with everything in it', async () => {
    await using place = newPlace();
    await Bun.write(place.path, '');
    using old = new Database(place.path);
    old.run(FIRST_SCHEMA);
    old.run(`PRAGMA user_version = 1; PRAGMA application_id = ${APPLICATION_ID}`);
    old.run(ONE_FAILED_TURN);
    old.close(true);
    const store = await place.open();
    const scope = { owner: 'o', userId: null };
    expect(await store.turn(scope, 't')).toMatchObject({
      errorCode: 'upstream_timeout',
      errorReply: null,
    });
    await exchange(store, firstTurn(newScope()));
    await store.close();
    using db = new Database(place.path);
    expect(db.query('PRAGMA user_version').values()).toEqual([[SCHEMA_VERSION]]);
  });

  test('cannot be written by the connection of the event loop', async () => {
    await using place = newPlace();
    await place.open();
    using db = openForReading(place.path);
    expect(() => db.run("UPDATE conversation SET title = ''")).toThrow('readonly');
  });

  test('is not opened by a gateway older than its schema, and stays as it is', async () => {
    await using place = newPlace();
    await (await place.open()).close();
    using db = new Database(place.path);
    db.run(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    db.close(true);
    const before = readFileSync(place.path);
    const error = String(await refusedBy(place.open()));
    expect(error).toContain(place.path);
    expect(error).toContain(`schema version ${SCHEMA_VERSION + 1}, written by a newer gateway`);
    expect(readFileSync(place.path).equals(before)).toBe(true);
  });

  test('of another program is refused, and stays as it is', async () => {
    await using place = newPlace();
    const { path } = place;
    const file = join(place.directory, 'data');
    await Bun.write(path, '');
    using db = new Database(path);
    db.run('CREATE TABLE recipe (name TEXT)');
    db.close(true);
    const before = readFileSync(path);
    expect(String(await refusedBy(place.open()))).toContain('database of another program');
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(file)).toEqual(['gateway.db']);
  });

  for (const [name, damage] of Object.entries(DAMAGES)) {
    test(`with ${name} is refused with a hint, and stays as it is`, async () => {
      await using place = newPlace();
      const store = await place.open();
      for (let i = 0; i < 20; i += 1)
        await exchange(store, firstTurn(newScope()), 'x'.repeat(9_000));
      await store.close();
      const damaged = damage(readFileSync(place.path));
      writeFileSync(place.path, damaged);
      const error = String(await refusedBy(place.open()));
      expect(error).toContain(place.path);
      expect(error).toContain('restore it from a backup');
      expect(readFileSync(place.path).equals(damaged)).toBe(true);
    });
  }

  test('that is a directory, or in one that is a file, is refused', async () => {
    await using place = newPlace();
    await Bun.write(join(place.path, 'x'), '');
    expect(String(await refusedBy(place.open()))).toContain(`${place.path} cannot be opened`);
    await using other = newPlace();
    await Bun.write(dirname(other.path), '');
    expect(String(await refusedBy(other.open()))).toContain(`${other.path} cannot be opened`);
  });
});

describe('what was removed', () => {
  test('is neither in the tables, nor in the file, nor in its log', async () => {
    await using place = newPlace();
    const store = await place.open();
    await exchange(store, firstTurn(newScope()), 'kept words');
    const secret = 'Xanthophyll';
    const blob = newBlob(`${secret} picture`);
    const input = [newNode(null, 'user', { text: `${secret} one`, blobs: [blob.sha256] })];
    const create = { title: `${secret} title` };
    const turn = firstTurn(newScope(), { input, blobs: [blob], create, idempotencyKey: secret });
    await accepted(store, turn);
    const { turnId, scope, conversationId } = turn;
    await store.append([{ turnId, seq: 0, payload: `${secret} ${'frame '.repeat(3_000)}` }]);
    await store.change(scope, conversationId, { metadata: { note: secret }, title: `${secret} 2` });
    await store.finish(
      ending(turn, { output: answerTo(turn, `${secret} ${'long '.repeat(3_000)}`) }),
    );
    expect(filesContain(place.path, secret)).toBe(true);
    await store.remove(scope, conversationId);
    expect(filesContain(place.path, secret)).toBe(false);
    expect(filesContain(place.path, 'kept words')).toBe(true);

    using db = openForReading(place.path);
    const count = (table: string) => db.query(`SELECT count(*) FROM ${table}`).values()[0]?.[0];
    const counts = { conversation: 1, epoch: 1, node: 2, turn: 1, search_entry: 2 };
    for (const [table, rows] of Object.entries({
      ...counts,
      turn_event: 0,
      blob: 0,
      node_blob: 0,
    })) {
      expect([table, count(table)]).toEqual([table, rows]);
    }
    expect(
      db.query("SELECT count(*) FROM search_gram WHERE gram IN ('xan', 'phy')").values(),
    ).toEqual([[0]]);
  });
});

describe('a closed store', () => {
  test('has written what was asked of it before, and refuses the rest', async () => {
    await using place = newPlace();
    const store = await place.open();
    const turn = firstTurn(newScope());
    const writing = store.accept(turn);
    const closing = store.close();
    const late = [
      store.accept(firstTurn(newScope())),
      store.conversation(turn.scope, 'x'),
      store.probe(),
    ];
    for (const call of late) {
      const error = await refusedBy(call);
      expect(error).toBeInstanceOf(GatewayError);
      expect(error).toMatchObject({ code: 'storage_unavailable' });
    }
    expect(await writing).toEqual({ outcome: 'accepted' });
    await closing;
    await store.close();
    const again = await place.open();
    expect(await again.turn(turn.scope, turn.turnId)).not.toBeNull();
  });

  test('refuses a search that was under way', async () => {
    await using place = newPlace();
    const store = await place.open();
    const scope = newScope();
    const text = 'needle '.repeat(5_000);
    await Promise.all(Array.from({ length: 60 }, () => exchange(store, firstTurn(scope), text)));
    const searching = refusedBy(store.list(scope, { limit: 1, offset: 0, query: 'zz yy' }));
    await store.close();
    expect(await searching).toMatchObject({ code: 'storage_unavailable' });
  });
});

test('the store works in one compiled file, with the writer as an entry of its own', async () => {
  await using place = newPlace();
  const binary = join(place.directory, 'gateway');
  const main = join(place.directory, 'main.ts');
  const sqlite = JSON.stringify(join(import.meta.dir, 'sqlite.ts'));
  await Bun.write(
    main,
    `import { openSqliteStore } from ${sqlite};
    const store = await openSqliteStore({ path: ${JSON.stringify(place.path)}, durability: 'full' });
    await store.probe();
    await store.close();`,
  );
  const writer = join(import.meta.dir, 'sqlite-writer.ts');
  const build = ['build', '--compile', main, writer, '--entry-naming', '[name].[ext]'];
  const built = Bun.spawnSync([process.execPath, ...build, '--outfile', binary]);
  expect([built.exitCode, built.stderr.toString()]).toMatchObject([0, expect.any(String)]);
  const ran = Bun.spawnSync([binary]);
  expect([ran.exitCode, ran.stderr.toString()]).toEqual([0, '']);
  expect(existsSync(place.path)).toBe(true);
});

function filesContain(path: string, text: string): boolean {
  return readdirSync(dirname(path)).some((name) =>
    readFileSync(join(dirname(path), name)).includes(text),
  );
}
