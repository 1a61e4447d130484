// Disks that are full, read-only or broken, and databases that are locked or too new: /c1 says so and loses nothing,
// /v1 does not notice, and everything goes on by itself once the disk does. Damaged files are in c1-crash.test.ts.
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chat,
  errorOf,
  framesOf,
  holdCalls,
  joinedText,
  readUntil,
  rows,
  said,
} from './harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
} from './harness/fake-upstream.ts';
import type { FakeUpstream } from './harness/fake-upstream.ts';
import {
  failSystemCalls,
  fillDisk,
  lockDatabase,
  mayInjectFaults,
  mountSmallDisk,
  remount,
  unmount,
} from './harness/faulty-disk.ts';
import {
  spawnGateway,
  startGateway,
  type GatewayProcess,
  type TestGateway,
} from './harness/gateway.ts';

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await upstream.close();
});

const PROBED_OFTEN = 'health: { probe_interval_ms: 200 }';
type Asked = Pick<TestGateway | GatewayProcess, 'request' | 'directory'>;

/** With a directory of its own, which goes afterwards. */
async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-faults-'));
  upstream.script = (call) => replySse(call, streamOf(['ok']));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function withGateway(
  directory: string,
  use: (gateway: TestGateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway(configFor(upstream, PROBED_OFTEN), { directory });
  try {
    await use(gateway);
  } finally {
    await gateway.close();
  }
}

/** Large enough that it cannot fit into what the log has left over. */
const LARGE = 'x'.repeat(300_000);

async function refuses(gateway: Asked, says: RegExp): Promise<void> {
  for (const stream of [true, false]) {
    const asked = upstream.calls.length;
    const response = await chat(gateway, { message: LARGE, stream });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: 'storage_unavailable', retryable: true });
    expect(error.message).toMatch(says);
    expect(upstream.calls.length).toBe(asked);
  }
}

/** /v1 and the process itself know nothing of the store's trouble. */
async function relaysAllTheSame({ request }: Asked): Promise<void> {
  const body = { model: 'test-model', stream: true, messages: [{ role: 'user', content: 'hi' }] };
  const relayed = await request('/v1/chat/completions', { body });
  expect(joinedText(framesOf(await relayed.text()))).toBe('ok');
  expect((await request('/healthz')).status).toBe(200);
}

/** Asks until the next probe has been: there is no event for it. */
async function becomes(gateway: Asked, status: 'ready' | 'not_ready'): Promise<void> {
  for (const until = performance.now() + 8_000; performance.now() < until; await Bun.sleep(20)) {
    const response = await gateway.request('/readyz');
    const body = (await response.json()) as { status: string; store: { ok: boolean } };
    if (body.status !== status) continue;
    expect(response.status).toBe(status === 'ready' ? 200 : 503);
    expect(body.store.ok).toBe(status === 'ready');
    return;
  }
  throw new Error(`/readyz never said ${status}`);
}

/** Works again, and has nothing half-written: no turn is open, and every rule of the file holds. */
async function isSound(gateway: Asked): Promise<void> {
  await becomes(gateway, 'ready');
  await said(gateway, { message: 'and now?' });
  const open = "SELECT id FROM turn WHERE status IN ('accepted', 'streaming')";
  const until = performance.now() + 4_000;
  while (rows(gateway, open).length > 0 && performance.now() < until) await Bun.sleep(20);
  expect(rows(gateway, open)).toEqual([]);
  expect(rows<object>(gateway, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(rows(gateway, 'PRAGMA foreign_key_check')).toEqual([]);
  expect(
    rows(gateway, "SELECT id FROM turn WHERE status = 'completed' AND output_node IS NULL"),
  ).toEqual([]);
}

/** A stream whose first word has come; its upstream goes on when it is told to. */
async function beginStream(gateway: Asked) {
  const held = holdCalls(upstream);
  const pending = chat(gateway, { message: 'go on', stream: true });
  const call = await held;
  await beginSse(call);
  await call.send(sse(chunk({ content: 'kept' })));
  const response = await pending;
  upstream.script = (next) => replySse(next, streamOf(['ok']));
  const reader = response.body?.getReader();
  if (!reader) throw new Error('no body');
  const start = await readUntil(reader, 'kept');
  return {
    call,
    turn: response.headers.get('x-turn-id') ?? '',
    async rest(): Promise<string> {
      return start + (await readUntil(reader, '"error"'));
    },
  };
}

/** The stream ends with the store's error, and what was shown before is kept. */
async function endsUnsaved(gateway: Asked, stream: Awaited<ReturnType<typeof beginStream>>) {
  const frames = framesOf(await stream.rest());
  expect(joinedText(frames)).toBe('kept');
  expect(JSON.parse(frames.at(-1)?.data ?? '').error.code).toBe('storage_unavailable');
  await stream.call.closed;
  return async () => {
    const turn = await (await gateway.request(`/c1/turns/${stream.turn}`)).json();
    expect(turn).toMatchObject({
      status: 'failed',
      error_code: 'storage_unavailable',
      text: 'kept',
    });
  };
}

const mayMount = (() => {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-mount-'));
  const mounted = mountSmallDisk(directory, '1m') && unmount(directory);
  rmSync(directory, { recursive: true, force: true });
  return mounted;
})();

// Skipped where file systems cannot be mounted: src/storage/full-disk.test.ts has the way without one.
describe.skipIf(!mayMount)('a disk', () => {
  const onDisk = (use: (directory: string) => Promise<void>) =>
    inDirectory(async (directory) => {
      expect(mountSmallDisk(directory, '4m')).toBe(true);
      try {
        await use(directory);
      } finally {
        unmount(directory);
      }
    });

  test('that is full refuses turns, ends streams that cannot be kept, and recovers', () =>
    onDisk((directory) =>
      withGateway(directory, async (gateway) => {
        const { conversation_id } = await said(gateway, { message: 'before' });
        const stream = await beginStream(gateway);
        const makeRoom = fillDisk(directory);
        await refuses(gateway, /disk .* is full/);
        await relaysAllTheSame(gateway);
        await stream.call.send(sse(chunk({ content: LARGE })));
        const isKept = await endsUnsaved(gateway, stream);
        expect((await gateway.request(`/c1/conversations/${conversation_id}`)).status).toBe(200);
        makeRoom();
        await isSound(gateway);
        await isKept();
        await said(gateway, { conversation_id, message: 'after' });
      }),
    ));

  test('that is read-only at the start takes /c1 down only, until the next start', () =>
    onDisk(async (directory) => {
      await withGateway(directory, async (gateway) => {
        await said(gateway, { message: 'before' });
      });
      expect(remount(directory, 'ro')).toBe(true);
      await withGateway(directory, async (gateway) => {
        await refuses(gateway, /Conversations cannot be read or written/);
        await relaysAllTheSame(gateway);
        await becomes(gateway, 'not_ready');
        expect(gateway.logText()).toMatch(/cannot be opened for writing/);
      });
      expect(remount(directory, 'rw')).toBe(true);
      await withGateway(directory, isSound);
    }));
});

test(
  'a database that another process has locked refuses turns in bounded time, and recovers',
  () =>
    inDirectory((directory) =>
      withGateway(directory, async (gateway) => {
        const { conversation_id } = await said(gateway, { message: 'before' });
        const stream = await beginStream(gateway);
        const lock = lockDatabase(join(directory, 'gateway.db'));
        const startedAt = performance.now();
        const refused = chat(gateway, { conversation_id, message: 'hi', stream: true });
        // Nobody waits for the lock but those who write.
        await relaysAllTheSame(gateway);
        const read = await gateway.request(`/c1/conversations/${conversation_id}`);
        expect(read.status).toBe(200);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
        const queued = chat(gateway, { message: 'me too' });
        const response = await refused;
        expect((await queued).status).toBe(503);
        // The time that SQLite waits, once: what queues behind a batch that waits has used up as much of its own.
        expect(performance.now() - startedAt).toBeLessThan(8_000);
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).not.toBeNull();
        const error = await errorOf(response);
        expect(error.code).toBe('storage_unavailable');
        expect(error.message).toMatch(/Another process is writing/);
        await becomes(gateway, 'not_ready');
        lock[Symbol.dispose]();
        await stream.call.send(sse(chunk({ content: ' all' }, 'stop')) + sse('[DONE]'));
        await gateway.logged('turn finished', stream.turn);
        await isSound(gateway);
        await said(gateway, { conversation_id, message: 'after' });
      }),
    ),
  20_000,
);

test('a database of a newer gateway is refused and left as it is', () =>
  inDirectory(async (directory) => {
    const path = join(directory, 'gateway.db');
    const setVersion = (version: number) => {
      using db = new Database(path);
      const before = db.prepare<{ user_version: number }, []>('PRAGMA user_version').get();
      db.run(`PRAGMA user_version = ${version}`);
      return before?.user_version ?? 0;
    };
    await withGateway(directory, async (gateway) => {
      await said(gateway, { message: 'before' });
    });
    const known = setVersion(99);
    await withGateway(directory, async (gateway) => {
      await refuses(gateway, /Conversations cannot be read or written/);
      await relaysAllTheSame(gateway);
      await becomes(gateway, 'not_ready');
      expect(gateway.logText()).toMatch(/has schema version 99, written by a newer gateway/);
    });
    expect(setVersion(known)).toBe(99);
    await withGateway(directory, async (gateway) => {
      await isSound(gateway);
      expect(rows(gateway, "SELECT 1 FROM node WHERE text = 'before'")).toHaveLength(1);
    });
  }));

// Skipped where strace is missing or may not look into processes.
describe.skipIf(!mayInjectFaults())('a system call that fails:', () => {
  test.each([
    ['fsync, with EIO', { calls: 'fsync,fdatasync', error: 'EIO' }],
    ['writing, on a disk that became read-only', { calls: 'pwrite64', error: 'EROFS' }],
  ])(
    '%s',
    (_, fault) =>
      inDirectory(async (directory) => {
        const gateway = await spawnGateway({ yaml: configFor(upstream, PROBED_OFTEN), directory });
        try {
          const { conversation_id } = await said(gateway, { message: 'before' });
          const stopFailing = await failSystemCalls(gateway.process.pid, fault);
          await refuses(gateway, /disk .* reports errors|cannot be/i);
          await relaysAllTheSame(gateway);
          expect((await gateway.request(`/c1/conversations/${conversation_id}`)).status).toBe(200);
          await becomes(gateway, 'not_ready');
          await stopFailing();
          await isSound(gateway);
          await said(gateway, { conversation_id, message: 'after' });
          expect(await gateway.kill('SIGTERM')).toBe(0);
        } finally {
          await gateway.kill();
        }
      }),
    15_000,
  );
});
