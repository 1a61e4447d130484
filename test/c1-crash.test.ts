// kill -9, and databases that cannot be used: what was acknowledged is there, and /v1 never depends on any of it.
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  chat,
  conversation,
  errorOf,
  framesOf,
  joinedText,
  readUntil,
  rows,
  said,
  sentMessages,
} from './harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import {
  spawnGateway,
  startGateway,
  type GatewayProcess,
  type TestGateway,
} from './harness/gateway.ts';

let upstream: FakeUpstream;
const directories: string[] = [];
const started: GatewayProcess[] = [];
beforeAll(async () => {
  upstream = await startFakeUpstream(async (call) => {
    const question = String(sentMessages(call).at(-1)?.content);
    if (!question.startsWith('held')) return replySse(call, streamOf(['re: ', question]));
    await beginSse(call);
    await call.send(sse(chunk({ content: 'partial' })));
  });
});
afterAll(async () => {
  await Promise.all(started.map((gateway) => gateway.kill()));
  await upstream.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

async function start(yaml: string, directory: string): Promise<GatewayProcess> {
  const gateway = await spawnGateway({ yaml, directory });
  started.push(gateway);
  return gateway;
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-crash-'));
  directories.push(directory);
  return directory;
}

test('ten times kill -9: every question and every answer that was acknowledged is there', async () => {
  const directory = newDirectory();
  const yaml = configFor(upstream);
  const acknowledged: string[] = [];
  let id: string | null = null;
  let heldTurn: string | null = null;
  for (let round = 0; round < 10; round++) {
    const gateway = await start(yaml, directory);
    if (id !== null) {
      const { messages } = await conversation(gateway, id);
      expect(messages.map(({ content }) => content)).toEqual(acknowledged);
    }
    if (heldTurn !== null) {
      // The question was accepted, so it is kept; its turn has an end, so that the conversation is not busy.
      const [turn] = rows<object>(
        gateway,
        `SELECT status, error_code, text FROM turn JOIN node ON node.id = input_node WHERE turn.id = '${heldTurn}'`,
      );
      expect(turn).toEqual({
        status: 'failed',
        error_code: 'upstream_interrupted',
        text: `held ${round - 1}`,
      });
      const events = rows(gateway, `SELECT payload FROM turn_event WHERE turn = '${heldTurn}'`);
      expect(JSON.stringify(events)).toContain('partial');
    }
    const body = { conversation_id: id, message: `question ${round}`, stream: round % 3 !== 0 };
    const response = await chat(gateway, body);
    const reply = await response.text();
    id = response.headers.get('x-conversation-id');
    const text = body.stream
      ? joinedText(framesOf(reply))
      : (JSON.parse(reply) as { choices: { message: { content: string } }[] }).choices[0]?.message
          .content;
    expect(text).toBe(`re: question ${round}`);
    if (body.stream) expect(reply).toEndWith('data: [DONE]\n\n');
    acknowledged.push(`question ${round}`, `re: question ${round}`);

    heldTurn = null;
    if (round % 2 === 1) {
      const held = await chat(gateway, {
        conversation_id: id,
        message: `held ${round}`,
        stream: true,
      });
      expect(held.status).toBe(200);
      heldTurn = held.headers.get('x-turn-id');
      const reader = held.body?.getReader();
      if (reader) await readUntil(reader, 'partial');
    }
    await gateway.kill('SIGKILL');
  }
  expect(acknowledged).toHaveLength(20);
}, 60_000);

test('a first question survives kill -9 even when its upstream has not said a word', async () => {
  const directory = newDirectory();
  const silent = await startFakeUpstream(() => {});
  const yaml = configFor(silent, 'streams: { heartbeat_ms: 1000 }');
  const gateway = await start(yaml, directory);
  const response = await chat(gateway, { message: 'anybody there?', stream: true });
  expect(response.status).toBe(200);
  const id = response.headers.get('x-conversation-id') ?? '';
  await gateway.kill('SIGKILL');

  silent.script = (call) => replySse(call, streamOf(['yes']));
  const again = await start(yaml, directory);
  const found = rows<object>(
    again,
    'SELECT text, status FROM node, turn WHERE node.id = input_node',
  );
  expect(found).toEqual([{ text: 'anybody there?', status: 'failed' }]);
  expect(await conversation(again, id)).toMatchObject({ title: 'anybody there?', messages: [] });
  await said(again, { conversation_id: id, message: 'hello?' });
  await again.kill('SIGKILL');
  await silent.close();
}, 30_000);

describe('a database that cannot be used', () => {
  const databases: Record<string, (path: string) => [string, RegExp] | Promise<[string, RegExp]>> =
    {
      'is damaged at its start': (path) => {
        writeFileSync(path, Buffer.alloc(8192, 'this is no database '));
        return [path, /cannot be used as the conversation store: file is not a database/];
      },
      'is damaged in the middle': async (path) => {
        const sound = await startGateway(configFor(upstream), { directory: dirname(path) });
        for (let turn = 0; turn < 3; turn++) await said(sound, { message: 'x'.repeat(9000) });
        await sound.close();
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xff, 4096));
        return [path, /cannot be used as the conversation store/];
      },
      'is another program’s': (path) => {
        const db = new Database(path);
        db.run('CREATE TABLE recipes (name TEXT)');
        db.close();
        return [path, /is a database of another program/];
      },
      'is a directory': (path) => {
        mkdirSync(path);
        return [path, /cannot be opened for writing/];
      },
      // Also for root, to whom a directory without the permission to write is no obstacle.
      'is where nothing can be written': () => [
        '/proc/nowhere/gateway.db',
        /cannot be opened for writing/,
      ],
    };

  test.each(Object.entries(databases))(
    '%s takes /c1 down with storage_unavailable, and nothing else',
    async (_, prepare) => {
      const directory = newDirectory();
      const [path, says] = await prepare(join(directory, 'gateway.db'));
      const before = await contentsOf(path);
      const yaml = configFor(upstream, `storage: { url: "sqlite:${path}" }`);
      const gateway = await startGateway(yaml, { directory });
      const asked = upstream.calls.length;
      const one = '/c1/conversations/conv_1';
      for (const response of [
        await chat(gateway, { message: 'hi' }),
        await chat(gateway, { message: 'hi', stream: true }),
        await chat(gateway, { conversation_id: 'conv_1', message: 'hi' }),
        await gateway.request('/c1/conversations'),
        await gateway.request(one),
        await gateway.request(one, { method: 'PATCH', body: { title: 'x' } }),
        await gateway.request(one, { method: 'DELETE' }),
      ]) {
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).not.toBeNull();
        const error = await errorOf(response);
        expect(error).toMatchObject({ code: 'storage_unavailable', type: 'internal_error' });
        expect(error.message).not.toContain(directory);
      }
      expect(upstream.calls.length).toBe(asked);
      // What is wrong with the request is said all the same.
      expect((await chat(gateway, { message: 'hi', n: 2 })).status).toBe(400);

      const relayed = await gateway.request('/v1/chat/completions', {
        body: { model: 'test-model', stream: true, messages: [{ role: 'user', content: 'hi' }] },
      });
      expect(joinedText(framesOf(await relayed.text()))).toBe('re: hi');

      expect(await readiness(gateway)).toMatchObject({
        http: 503,
        status: 'not_ready',
        store: { ok: false, problem: expect.stringMatching(/\w/) as unknown },
      });
      expect(gateway.logText()).toMatch(says);
      expect((await gateway.request('/healthz')).status).toBe(200);
      await gateway.close();
      expect(await contentsOf(path)).toEqual(before);
    },
  );

  // conversations/unavailable-store.ts answers every cause with one sentence, which sends the reader to /readyz.
  test('is named by /readyz with the reason', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'gateway.db'), Buffer.alloc(8192, 'this is no database '));
    const gateway = await startGateway(configFor(upstream), { directory });
    const { store } = await readiness(gateway);
    await gateway.close();
    expect(store.problem).not.toContain('GET /readyz');
    expect(store.problem).toMatch(/damaged|not a database|cannot be used/);
  });

  async function readiness(gateway: TestGateway) {
    const response = await gateway.request('/readyz');
    const body = (await response.json()) as {
      status: string;
      store: { ok: boolean; problem: string };
    };
    return { http: response.status, ...body };
  }

  async function contentsOf(path: string): Promise<Uint8Array | null> {
    const file = Bun.file(path);
    return (await file.exists()) ? await file.bytes() : null;
  }
});
