// Random operations on a few conversations, side by side on the database and on a model of it: same answers, same
// state, and the ledger's invariants after each run. At last everything is removed, of which nothing may stay.
import type { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { ConversationStore } from '../conversations/store.ts';
import { openForReading } from './connection.ts';
import { operation } from './testing/operations.ts';
import { newPlace } from './testing/places.ts';
import { Run } from './testing/run.ts';

const place = newPlace();
let store: ConversationStore;
let db: Database;

beforeAll(async () => {
  store = await place.open();
  db = openForReading(place.path);
});
afterAll(async () => {
  db.close();
  await place[Symbol.asyncDispose]();
});

test('any sequence of operations gives the answers and the state of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
      const run = new Run(store);
      try {
        for (const each of operations) {
          const [real, expected] = await run.apply(each);
          expect(real).toEqual(expected);
        }
        await run.compare();
        for (const id of run.model.conversations.keys()) expectSearched(run, id);
      } finally {
        await run.removeAll();
      }
      expect(rows()).toEqual([]);
    }),
    { numRuns: 80 },
  );
}, 20_000);

/** The messages that are looked at are those of the path. */
function expectSearched({ model }: Run, id: string): void {
  const path = model.path(id, model.conversations.get(id)?.head ?? null);
  const entries = db
    .query<{ node: string }, [string]>(
      'SELECT node FROM search_entry WHERE conversation = ? ORDER BY node',
    )
    .all(id);
  const shown = path.filter(({ text }) => text !== '').map((node) => node.id);
  expect(entries.map(({ node }) => node)).toEqual(shown.toSorted());
}

/** Names of the tables that hold anything of a conversation. */
function rows(): string[] {
  const tables = db
    .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => name)
    .filter((name) => name !== 'instance' && !name.startsWith('sqlite_'));
  return tables.filter((name) => db.query(`SELECT 1 FROM ${name} LIMIT 1`).get() !== null);
}
