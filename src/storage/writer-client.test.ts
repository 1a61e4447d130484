// The event loop's side of the writer, with threads that die: nothing waits for ever, and the next write works.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstTurn, newScope, refusedBy } from '../conversations/contract/samples.ts';
import { newId } from '../domain/ids.ts';
import { createFile } from './connection.ts';
import { newPlace } from './testing/places.ts';
import type { Place } from './testing/places.ts';
import { unpacked } from './thread-message.ts';
import { WriterClient } from './writer-client.ts';
import type { ToWriter } from './writer-protocol.ts';

const LEDGER = JSON.stringify(join(import.meta.dir, 'ledger.ts'));

/** Threads as sqlite-writer.ts, but for what they do on a batch. */
const DIE_BEFORE = 'process.exit(3)';
const DIE_AMIDST = 'ledger.database.run("BEGIN IMMEDIATE"); throw new Error("planted")';
const DIE_AFTER = 'ledger.run(data.batch); throw new Error("planted")';
const WORK = "postMessage({ type: 'done', result: ledger.run(data.batch) })";

let place: Place;
let client: WriterClient;

beforeEach(() => {
  place = newPlace();
  createFile(place.path);
});

afterEach(async () => {
  await client.close();
  await place[Symbol.asyncDispose]();
});

for (const [name, death] of [
  ['before it wrote', DIE_BEFORE],
  ['in a transaction', DIE_AMIDST],
  ['after it wrote', DIE_AFTER],
] as const) {
  test(`a thread that dies ${name} fails what waits for it, and another takes over`, async () => {
    client = clientOf([death, WORK]);
    await client.open();
    const lost = firstTurn(newScope(), { idempotencyKey: newId('req') });
    const waiting = [
      client.write({ kind: 'accept', input: lost }),
      client.write({ kind: 'probe', input: null }),
    ];
    for (const call of waiting) {
      expect(await refusedBy(call)).toMatchObject({ code: 'storage_unavailable' });
    }
    const next = firstTurn(newScope());
    expect(await client.write({ kind: 'accept', input: next })).toEqual({ outcome: 'accepted' });
    // Nobody works on the lost turn, so that it must not be open, whether it was written or not.
    const retry = { ...lost, turnId: newId('turn') };
    const outcome = await client.write({ kind: 'accept', input: retry });
    const written = death === DIE_AFTER;
    if (written) expect(outcome).toEqual({ outcome: 'repeated', turnId: lost.turnId });
    else expect(outcome).toEqual({ outcome: 'accepted' });
    const abandoned = written ? lost.turnId : retry.turnId;
    const end = client.write({
      kind: 'finish',
      input: {
        turnId: abandoned,
        status: 'cancelled',
        blobs: [],
        finishReason: null,
        errorCode: null,
        usage: { promptTokens: null, completionTokens: null, cachedTokens: null },
        ttftMs: null,
        endedAt: 2,
      },
    });
    expect(await end).toBe(!written);
  });
}

test('a thread that dies while it opens the file fails the opening', async () => {
  client = new WriterClient(options(), () => spawn('throw new Error("planted")'));
  expect(await refusedBy(client.open())).toMatchObject({ code: 'storage_unavailable' });
});

test('commands made in one go are one batch, and more wait for its end to be the next', async () => {
  const sizes: number[] = [];
  client = new WriterClient(options(), () => {
    const worker = spawn(threadOf(WORK));
    const send = worker.postMessage.bind(worker);
    worker.postMessage = (message: ToWriter | string) => {
      const sent = unpacked(message);
      if (sent.type === 'batch') sizes.push(sent.batch.commands.length);
      send(message);
    };
    return worker;
  });
  await client.open();
  const probe = () => client.write({ kind: 'probe', input: null });
  const first = [probe(), probe(), probe()];
  await Promise.resolve();
  const second = [probe(), probe(), probe(), probe()];
  await Promise.all([...first, ...second]);
  expect(sizes).toEqual([3, 4]);
});

function options() {
  return { path: place.path, durability: 'normal' as const, instance: newId('inst') };
}

/** Each thread started is the next of these; the last one also any further. */
function clientOf(deeds: readonly string[]): WriterClient {
  const left = [...deeds];
  return new WriterClient(options(), () => {
    const deed = left.length > 1 ? left.shift() : left[0];
    return spawn(threadOf(deed ?? WORK));
  });
}

function threadOf(onBatch: string): string {
  return `
    import { Ledger } from ${LEDGER};
    let ledger;
    self.onmessage = ({ data: sent }) => {
      const data = typeof sent === 'string' ? JSON.parse(sent) : sent;
      if (data.type === 'open') {
        ledger = new Ledger(data.options);
        postMessage({ type: 'ready' });
      } else if (data.type === 'close') {
        ledger.close();
        postMessage({ type: 'closed' });
      } else {
        ${onBatch};
      }
    };`;
}

function spawn(script: string): Worker {
  const file = join(place.directory, `${newId('inst')}.ts`);
  writeFileSync(file, script);
  return new Worker(file);
}
