// The requests of a probe: their bounds, and what becomes of questions that are never answered.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { MAX_PROBE_BODY_BYTES, MAX_PROBE_PAUSE } from '../../domain/limits.ts';
import { startFakeEngine, type FakeEngine } from '../../../test/harness/fake-engine.ts';
import { createAsker, rootOf, type Ask, type Asker } from './ask.ts';

let engine: FakeEngine;
let asker: Asker;
let now: number;
beforeEach(() => {
  engine = startFakeEngine();
  now = 0;
  const upstream = { name: 'it', kind: 'vllm', baseUrl: engine.root, headers: {} };
  asker = createAsker(upstream, () => now);
});
afterEach(() => engine.stop());

const begin = (timeoutMs = 5_000) => asker.begin(AbortSignal.timeout(timeoutMs));

/** Which of the probes from now on ask the optional `url`. */
async function probesThatAsk(probes: number, ask: (ask: Ask) => Promise<unknown>) {
  const asking: number[] = [];
  for (let probe = 0; probe < probes; probe++) {
    const before = engine.requests.length;
    await ask(begin().ask);
    if (engine.requests.length > before) asking.push(probe);
  }
  return asking;
}

test('an answer is its status and its text; the latency is that of what was asked for health', async () => {
  engine.pages = { '/a': { status: 418, body: 'tea' }, '/b': { body: 'b' } };
  const round = begin();
  expect(round.isAnswered()).toBe(false);
  now = 7;
  expect(await round.ask.get(`${engine.root}/a`)).toEqual({
    kind: 'reply',
    status: 418,
    text: 'tea',
  });
  now = 9;
  await round.ask.optional(`${engine.root}/b`);
  expect([round.isAnswered(), round.latencyMs()]).toEqual([true, 7]);
});

test('a server that never answers, or stops amid its answer, is late', async () => {
  engine.pages = { '/hang': 'hang', '/stall': 'stall' };
  const fault = { problem: 'no answer in time', certain: false };
  const hanging = begin(50);
  expect(await hanging.ask.get(`${engine.root}/hang`)).toEqual({ kind: 'silence', fault });
  expect(hanging.isAnswered()).toBe(false);
  const stalling = begin(50);
  expect(await stalling.ask.get(`${engine.root}/stall`)).toEqual({ kind: 'silence', fault });
  expect(stalling.isAnswered()).toBe(true);
});

test('a port where nobody listens refuses, which is certain', async () => {
  await engine.stop();
  expect(await begin().ask.get(engine.root)).toEqual({
    kind: 'silence',
    fault: { problem: 'connection refused', certain: true },
  });
});

test('a connection that is dropped is no certain fault', async () => {
  const dropping = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (socket) => socket.terminate() },
  });
  expect(await begin().ask.get(`http://127.0.0.1:${dropping.port}/`)).toEqual({
    kind: 'silence',
    fault: { problem: 'connection dropped', certain: false },
  });
  dropping.stop(true);
});

test('of a body without end only the beginning is read, in whole lines', async () => {
  let sent = 0;
  const cancelled = Promise.withResolvers<void>();
  const endless = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          pull(to) {
            sent += 65_536;
            to.enqueue(new TextEncoder().encode(`${'x'.repeat(99)}\n`.repeat(656)));
          },
          cancel: () => cancelled.resolve(),
        }),
      ),
  });
  const text = await begin().ask.optional(`http://127.0.0.1:${endless.port}/`);
  expect(text?.length).toBeLessThanOrEqual(MAX_PROBE_BODY_BYTES);
  expect(text?.length).toBeGreaterThan(MAX_PROBE_BODY_BYTES - 101);
  expect(text).toEndWith(`${'x'.repeat(99)}\n`);
  await cancelled.promise;
  expect(sent).toBeLessThan(64 * MAX_PROBE_BODY_BYTES);
  await endless.stop(true);
});

test('an optional endpoint that fails is asked less and less often, but never given up', async () => {
  const asking = await probesThatAsk(100, (ask) => ask.optional(`${engine.root}/metrics`));
  expect(asking).toEqual([0, 2, 6, 14, 30, 62, 94]);
  expect(94 - 62).toBe(MAX_PROBE_PAUSE);
  engine.pages = { '/metrics': { body: 'm 1' } };
  const again = await probesThatAsk(40, (ask) => ask.optional(`${engine.root}/metrics`));
  expect(again.slice(0, 3)).toEqual([26, 27, 28]);
});

test('an optional endpoint is asked at once again after the upstream was down', async () => {
  await probesThatAsk(8, (ask) => ask.optional(`${engine.root}/metrics`));
  asker.forgetFailures();
  expect(await probesThatAsk(1, (ask) => ask.optional(`${engine.root}/metrics`))).toEqual([0]);
});

test('one that matters less is asked at every so many probes', async () => {
  engine.pages = { '/version': { body: '1' } };
  const asking = await probesThatAsk(9, (ask) => ask.optional(`${engine.root}/version`, 4));
  expect(asking).toEqual([0, 4, 8]);
});

test('an engine’s own endpoints are beside its /v1', () => {
  expect(rootOf('http://h:1/v1')).toBe('http://h:1');
  expect(rootOf('http://h:1/v1/')).toBe('http://h:1');
  expect(rootOf('http://h:1')).toBe('http://h:1');
  expect(rootOf('http://h:1/engines/v1')).toBe('http://h:1/engines');
});
