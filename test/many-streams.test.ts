// A thousand streams at once through a gateway that is a process of its own, as it is started in earnest.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import {
  beginSse,
  chunk,
  configFor,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { spawnGateway, TOKEN, type GatewayProcess } from './harness/gateway.ts';
import { openRaw } from './harness/raw.ts';

const STREAMS = 1_000;
const FRAMES = 20;

let upstream: FakeUpstream;
let gateway: GatewayProcess;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await spawnGateway({ yaml: configFor(upstream) });
});
afterAll(async () => {
  await gateway.kill();
  await upstream.close();
  rmSync(gateway.directory, { recursive: true, force: true });
});

test('1,000 streams run side by side: each begins before any ends, and none loses a frame', async () => {
  const arrived: UpstreamCall[] = [];
  const all = Promise.withResolvers<void>();
  upstream.script = (call) => {
    arrived.push(call);
    if (arrived.length === STREAMS) all.resolve();
  };
  const startedAt = performance.now();
  const clients = await Promise.all(Array.from({ length: STREAMS }, (_, at) => openStream(at)));
  await all.promise;
  const arrivedAt = performance.now();

  await Promise.all(arrived.map(beginSse));
  await Promise.all(arrived.map((call) => call.send(frame(call, 0))));
  await Promise.all(clients.map((client) => client.until(/data: /)));
  const begunAt = performance.now();
  expect(clients.some((client) => client.received().includes('[DONE]'))).toBe(false);

  for (let at = 1; at < FRAMES; at++) {
    await Promise.all(arrived.map((call) => call.send(frame(call, at))));
  }
  for (const call of arrived) {
    await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
    call.end();
  }
  const texts = await Promise.all(clients.map((client) => client.until(/\[DONE\]/)));
  const doneAt = performance.now();
  for (const client of clients) client.destroy();

  texts.forEach((text, stream) => {
    const frames = [...text.matchAll(/"content":"(\d+\/\d+)"/g)].map(([, name]) => name);
    expect(frames).toEqual(Array.from({ length: FRAMES }, (_, at) => `${stream}/${at}`));
  });
  if (process.env['SHOW_LATENCY'])
    console.log(
      `all at the upstream after ${(arrivedAt - startedAt).toFixed()} ms, all begun after ` +
        `${(begunAt - startedAt).toFixed()} ms, all done after ${(doneAt - startedAt).toFixed()} ms`,
    );
}, 60_000);

async function openStream(stream: number) {
  const client = await openRaw(gateway.url);
  const messages = [{ role: 'user', content: `stream ${stream};` }];
  const body = JSON.stringify({ model: 'test-model', stream: true, messages });
  client.send(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  return client;
}

/** Names the stream that the call belongs to and the frame's place in it. */
function frame(call: UpstreamCall, at: number): string {
  const stream = /stream (\d+);/.exec(call.body)?.[1];
  return sse(chunk({ content: `${stream}/${at}` }));
}
