// Clients that read slowly or not at all, that are gone without a word, or that are very many. The ids are those of
// test/faults.test.ts, where the rest of the table is.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { KEEP_ALIVE_SECONDS } from '../../src/domain/limits.ts';
import { listen } from '../../src/http/listen.ts';
import {
  beginSse,
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from '../harness/fake-upstream.ts';
import { spawnGateway, startGateway, TOKEN, type TestGateway } from '../harness/gateway.ts';
import { openRaw, statusesIn } from '../harness/raw.ts';
import { ask } from '../harness/v1.ts';

const STALL_MS = 500;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  const streams = `streams: { stall_ms: ${STALL_MS}, heartbeat_ms: 200 }`;
  gateway = await startGateway(configFor(upstream, streams));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['o', 'k']));
});

const PIECE = sse(chunk({ content: 'x'.repeat(16 * 1024) }));

/** Speaks for as long as it is listened to. */
async function endless(call: UpstreamCall): Promise<void> {
  const gone = new AbortController();
  void call.closed.then(() => gone.abort());
  await beginSse(call);
  while (!gone.signal.aborted) await call.send(PIECE);
}

const BODIES = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'hi' }] },
  '/c1/chat': { message: 'hi', on_disconnect: 'cancel' },
};

function post(path: keyof typeof BODIES, id: string): string {
  const body = JSON.stringify({ model: 'test-model', stream: true, ...BODIES[path] });
  return (
    `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nx-request-id: ${id}\r\n` +
    `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

/** Asks for a stream on a socket of its own, and reads its beginning. */
async function begin(path: keyof typeof BODIES, id: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  socket.write(post(path, id));
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

/** What /v1/info says of the one target. */
async function backend(): Promise<unknown> {
  const info = (await (await gateway.request('/v1/info')).json()) as {
    models: { backends: unknown[] }[];
  };
  return info.models[0]?.backends[0];
}

async function count499(route: string): Promise<number> {
  const text = await (await gateway.request('/metrics')).text();
  const line = new RegExp(
    `^gateway_requests_total\\{route="${route}".*status="499".* (\\d+)$`,
    'm',
  );
  return Number(line.exec(text)?.[1] ?? 0);
}

async function expectNothingLeft(): Promise<void> {
  await Promise.all(upstream.calls.map(({ closed }) => closed));
  while (gateway.gateway.openWork() > 0) await Bun.sleep(1);
  expect(await backend()).toMatchObject({ running: 0, waiting: 0, circuit: 'closed' });
}

describe('C3: a client that does not read', () => {
  test.each(Object.keys(BODIES) as (keyof typeof BODIES)[])(
    'a stream of %s is hung up on after its time, its upstream is let go, and that is logged and counted',
    async (path) => {
      upstream.script = endless;
      const before = await count499(path);
      const id = `stalled${path.replaceAll('/', '-')}`;
      const socket = await begin(path, id);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.pause();
      await gateway.logged(`"request_id":"${id}"`, 'client does not read', '"status":499');
      await expectNothingLeft();
      expect(await count499(path)).toBe(before + 1);
      const lines = gateway.logText().split('\n');
      expect(lines.filter((line) => line.includes(id) && line.includes('"path"'))).toHaveLength(1);
      // The connection is closed on our side, whatever is still on its way.
      socket.resume();
      await closed;
    },
  );

  test('and leaves meanwhile gives its place at the upstream back', async () => {
    upstream.script = endless;
    const socket = await begin('/v1/chat/completions', 'left');
    socket.pause();
    await Bun.sleep(STALL_MS / 2);
    socket.destroy();
    await gateway.logged('"request_id":"left"', '"status":499', '"client gone"');
    await expectNothingLeft();
  });

  test('for less than that gets all of its stream', async () => {
    const pieces = 1_000;
    upstream.script = async (call) => {
      await beginSse(call);
      for (let sent = 0; sent < pieces; sent++) await call.send(PIECE);
      await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
      call.end();
    };
    const socket = await begin('/v1/chat/completions', 'slow');
    let tail = '';
    const whole = new Promise<void>((resolve) => {
      socket.on('data', (piece: Buffer) => {
        tail = (tail + piece.toString('latin1')).slice(-100);
        if (tail.includes('[DONE]')) resolve();
      });
    });
    for (let pause = 0; pause < 4; pause++) {
      socket.pause();
      await Bun.sleep(STALL_MS / 4);
      socket.resume();
      await Bun.sleep(STALL_MS / 20);
    }
    await whole;
    socket.destroy();
  });
});

/** Whether this process may make networks of its own, and has the tools. */
const mayMakeNetworks = (() => {
  const made = Bun.spawnSync(['unshare', '-n', 'ip', 'link', 'add', 'dgxfault0', 'type', 'veth']);
  return made.success;
})();

describe.skipIf(!mayMakeNetworks)('C4: a client whose network is gone', () => {
  const [SPACE, OURS, THEIRS] = ['dgxfault', 'dgxfault0', 'dgxfault1'];
  const ip = (...args: string[]) => {
    const ran = Bun.spawnSync(['ip', ...args]);
    if (!ran.success) throw new Error(`ip ${args.join(' ')}: ${ran.stderr.toString()}`);
  };

  test('without a word is noticed by what it does not acknowledge, and its upstream is let go', async () => {
    Bun.spawnSync(['ip', 'netns', 'del', SPACE]);
    ip('netns', 'add', SPACE);
    ip('link', 'add', OURS, 'type', 'veth', 'peer', 'name', THEIRS, 'netns', SPACE);
    ip('addr', 'add', '198.18.77.1/30', 'dev', OURS);
    ip('link', 'set', OURS, 'up');
    ip('-n', SPACE, 'addr', 'add', '198.18.77.2/30', 'dev', THEIRS);
    ip('-n', SPACE, 'link', 'set', THEIRS, 'up');
    const listener = listen(gateway.gateway.answer, {
      host: '198.18.77.1',
      port: 0,
      deadAfterMs: STALL_MS,
    });
    const asked = Promise.withResolvers<UpstreamCall>();
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ content: 'Hello' })));
      asked.resolve(call);
    };
    // Not a client of ours: one that lives in the other network.
    const script = 'exec 3<>/dev/tcp/198.18.77.1/$1; printf %s "$2" >&3; exec cat <&3';
    const { port } = new URL(listener.url);
    const line = ['bash', '-c', script, 'bash', port, post('/v1/chat/completions', 'unplugged')];
    const client = Bun.spawn(['ip', 'netns', 'exec', SPACE, ...line], { stdout: 'pipe' });
    try {
      expect(listener.hasSocketLimits).toBe(true);
      const call = await asked.promise;
      const reader = client.stdout.getReader();
      for (let seen = ''; !seen.includes('Hello');)
        seen += new TextDecoder().decode((await reader.read()).value);
      ip('-n', SPACE, 'link', 'set', THEIRS, 'down');
      await gateway.logged('"request_id":"unplugged"', '"status":499');
      await call.closed;
      await expectNothingLeft();
    } finally {
      client.kill('SIGKILL');
      await client.exited;
      await listener.close();
      ip('link', 'del', OURS);
      ip('netns', 'del', SPACE);
    }
  }, 20_000);
});

describe('C12: clients that keep their connections', () => {
  /** As many as two processes may have beside everything else; the soak has more. */
  const COUNT = 2_000;
  /** Of memory, for one of them. */
  const MOST_BYTES = 64 * 1024;

  test('by the thousand are all served again, cost little, and do not hold up the end', async () => {
    const server = await spawnGateway({ yaml: configFor(upstream) });
    const resident = async () => {
      const text = await (await server.request('/metrics')).text();
      return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
    };
    const request = 'GET /v1/models HTTP/1.1\r\nhost: x\r\n';
    const [first, last] = ['x-request-id: first', 'x-request-id: again'];
    const before = await resident();
    const idle = await Promise.all(
      Array.from({ length: COUNT }, async () => {
        const raw = await openRaw(server.url);
        raw.send(`${request}${first}\r\nx-api-key: ${TOKEN}\r\n\r\n`);
        await raw.until(/test-model/);
        return raw;
      }),
    );
    expect((await resident()) - before).toBeLessThan(COUNT * MOST_BYTES);
    for (const raw of idle) raw.send(`${request}${last}\r\nx-api-key: ${TOKEN}\r\n\r\n`);
    await Promise.all(idle.map((raw) => raw.until(/x-request-id: again[^]*test-model/)));
    for (const raw of idle) expect(statusesIn(raw.received())).toEqual([200, 200]);
    expect(await (await ask(server, { stream: true })).text()).toContain('[DONE]');
    expect(await server.kill('SIGTERM')).toBe(0);
    await Promise.all(idle.map((raw) => raw.closed));
  }, 30_000);

  test('may do so for longer than load balancers do, or they would race us', () => {
    expect(KEEP_ALIVE_SECONDS).toBeGreaterThanOrEqual(65);
  });
});
