// A client that does not read and leaves: nothing waits on it any more, and what was held for it is let go of.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import {
  beginSse,
  chunk,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

/** Large on the wire, and little to keep. */
const LARGE = sse(chunk({ content: 'x' }, null, { padding: 'x'.repeat(60_000) }));

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(async () => {
  gateway = await startGateway(`
catalogue: replace
upstreams: { fake: { kind: openai, base_url: ${upstream.url}, max_concurrent: 1, max_queued: 0 } }
models: { test-model: { targets: [{ upstream: fake, model: fake-model }] } }
turns: { orphan_ms: 500 }`);
});
afterEach(async () => {
  await gateway.close();
});
afterAll(async () => {
  await upstream.close();
});

/** More than all buffers between hold; resolves when the gateway takes no more of it. */
function flood(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.script = async (call) => {
    await beginSse(call);
    for (let sent = 0; sent < 2_000; sent++) {
      const taken = call.send(LARGE).then(() => true);
      const stuck = Bun.sleep(500).then(() => false);
      if (!(await Promise.race([taken, stuck]))) break;
    }
    resolve();
  };
  return promise;
}

/** Asks, reads the head of the reply at most, and then nothing. */
async function askWithoutReading(path: string, body: object): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: gateway',
    `authorization: Bearer ${TOKEN}`,
    'content-type: application/json',
    `content-length: ${text.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
  await new Promise((resolve) => socket.once('readable', resolve));
  return socket;
}

async function answer(path: string, body: object): Promise<string> {
  upstream.script = (call) => replySse(call, streamOf(['free']));
  const response = await gateway.request(path, { body });
  return await response.text();
}

test('its place at the upstream is free when it has left, for /v1', async () => {
  const body = { model: 'test-model', stream: true, messages: [{ role: 'user', content: 'hi' }] };
  const full = flood();
  const socket = await askWithoutReading('/v1/chat/completions', body);
  await full;
  socket.resetAndDestroy();
  await gateway.logged('client gone');
  expect(await answer('/v1/chat/completions', body)).toContain('free');
});

test('it does not count as a follower of its turn any more, which ends as an orphan', async () => {
  const body = { model: 'test-model', stream: true, message: 'hi' };
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  upstream.script = async (call) => {
    await beginSse(call);
    for (let sent = 0; sent < 200; sent++) await call.send(LARGE);
    resolve();
  };
  const socket = await askWithoutReading('/c1/chat', body);
  await asked;
  socket.resetAndDestroy();
  await gateway.logged('turn finished', 'cancelled');
  expect(await answer('/c1/chat', body)).toContain('free');
});
