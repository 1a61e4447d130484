// A client of /v1 that leaves takes its upstream call along, in every phase; one that does not read holds it back.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { holdCalls } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { openRaw, type RawConnection } from './harness/raw.ts';
import { USER } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream, 'streams: { heartbeat_ms: 50 }'));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
afterEach(async () => {
  await until(() => gateway.gateway.openWork() === 0);
});

const HELLO = sse(chunk({ role: 'assistant', content: 'Hello' }));

function requestFor(more: object): string {
  const body = JSON.stringify({ model: 'test-model', messages: [USER], ...more });
  return (
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n` +
    `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

/** Sends a chat completion on a connection of its own. */
async function post(more: object): Promise<RawConnection> {
  const connection = await openRaw(gateway.url);
  connection.send(requestFor(more));
  return connection;
}

/** Asks for a stream, reads its beginning and then nothing, until `rest` reads on to `[DONE]`. */
async function readOnce() {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(requestFor({ stream: true }));
  const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.pause();
  return {
    leave: () => void socket.destroy(),
    async rest() {
      let bytes = first.length;
      let tail = '';
      socket.on('data', (piece: Buffer) => {
        bytes += piece.length;
        tail = (tail + piece.toString('latin1')).slice(-100);
        if (tail.includes('[DONE]')) socket.destroy();
      });
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
      return { bytes, tail };
    },
  };
}

/** Resolves when `condition` holds; the test's own timeout is what fails it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

interface Phase {
  readonly stream: boolean;
  /** What the upstream does first. */
  begin(call: UpstreamCall): Promise<void>;
  /** What the client has seen by then. */
  seen?: RegExp;
}

const PHASES: Readonly<Record<string, Phase>> = {
  'before the upstream has sent its head': { stream: true, begin: async () => undefined },
  'before the upstream has sent its head, with pings': {
    stream: true,
    begin: async () => undefined,
    seen: /: ping/,
  },
  'after the upstream’s head, before its first event': {
    stream: true,
    begin: beginSse,
    seen: /: ping/,
  },
  'in the middle of a stream': {
    stream: true,
    async begin(call) {
      await beginSse(call);
      await call.send(HELLO);
    },
    seen: /Hello/,
  },
  'while a reply without a stream is awaited': { stream: false, begin: async () => undefined },
  'in the middle of a reply without a stream': {
    stream: false,
    begin: (call) =>
      call.send('HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{'),
  },
};

describe('a client that leaves', () => {
  for (const [when, { stream, begin, seen }] of Object.entries(PHASES)) {
    test(`${when} closes the upstream's connection at once`, async () => {
      const asked = holdCalls(upstream);
      const client = await post({ stream });
      const call = await asked;
      await begin(call);
      if (seen) await client.until(seen);
      const leftAt = performance.now();
      client.destroy();
      await call.closed;
      const took = performance.now() - leftAt;
      if (process.env['SHOW_LATENCY']) console.log(`${took.toFixed(1)} ms: ${when}`);
      expect(took).toBeLessThan(1_000);
      await until(() => upstream.openConnections() === 0);
    });
  }

  test('is logged as gone, with status 499 and no error', async () => {
    const asked = holdCalls(upstream);
    const client = await post({ stream: true });
    await asked;
    client.destroy();
    await gateway.logged('client gone', '"status":499');
  });

  test('200 times in mid-stream leaves no connection to the upstream and no work behind', async () => {
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(HELLO);
    };
    const clients = await Promise.all(Array.from({ length: 200 }, () => post({ stream: true })));
    await Promise.all(clients.map((client) => client.until(/Hello/)));
    expect(gateway.gateway.openWork()).toBe(200);
    for (const client of clients) client.destroy();
    await until(() => upstream.openConnections() === 0 && gateway.gateway.openWork() === 0);
  });
});

describe('a client that does not read', () => {
  const PIECE = sse(chunk({ content: 'x'.repeat(16 * 1024) }));
  const TOTAL_PIECES = 8_000;

  test('holds the upstream back: little of a big stream is sent, and all of it once it reads', async () => {
    let sent = 0;
    let finished = false;
    upstream.script = async (call) => {
      await beginSse(call);
      for (sent = 0; sent < TOTAL_PIECES; sent++) await call.send(PIECE);
      await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
      call.end();
      finished = true;
    };
    const reader = await readOnce();
    // Stalled: nothing more is taken for a while.
    for (let before = -1; before !== sent;) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    if (process.env['SHOW_LATENCY'])
      console.log(`held back at ${((sent * PIECE.length) / 1e6).toFixed(1)} MB`);
    expect(finished).toBe(false);
    expect(sent).toBeLessThan(TOTAL_PIECES / 2);
    const { bytes, tail } = await reader.rest();
    expect(bytes).toBeGreaterThan(TOTAL_PIECES * PIECE.length);
    expect(tail).toContain('[DONE]');
  }, 30_000);

  test('and leaves closes the upstream’s connection', async () => {
    upstream.script = async (call) => {
      await beginSse(call);
      for (let sent = 0; sent < TOTAL_PIECES; sent++) await call.send(PIECE);
    };
    const reader = await readOnce();
    await new Promise((resolve) => setTimeout(resolve, 200));
    reader.leave();
    await upstream.calls.at(-1)?.closed;
    await until(() => upstream.openConnections() === 0);
  });
});
