// Overload: the gateway refuses before it gets slow for everybody, says when to come back, and goes on as before once
// there is less to do.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { errorOf } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  completion,
  configFor,
  replyJson,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { openRaw } from './harness/raw.ts';
import { ask } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
/** What the upstream has not answered yet. */
let held: UpstreamCall[];
beforeEach(async () => {
  held = [];
  upstream = await startFakeUpstream((call) => void held.push(call));
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const UNLIMITED = 'rate_per_second: 100000, burst: 1000';
async function start(limits: string): Promise<void> {
  gateway = await startGateway(configFor(upstream, `limits: { ${UNLIMITED}, ${limits} }`));
}

/** Requests that wait for the upstream. */
async function running(count: number, body: object = {}): Promise<Promise<Response>[]> {
  const before = held.length;
  const asked = Array.from({ length: count }, () => ask(gateway, body));
  while (held.length < before + count) await Bun.sleep(1);
  return asked;
}

async function answerAll(asked: readonly Promise<Response>[]): Promise<void> {
  for (const call of held.splice(0)) await replyJson(call, completion('ok'));
  for (const response of await Promise.all(asked)) {
    expect(response.status).toBe(200);
    await response.text();
  }
}

async function expectShed(response: Response, reason: string): Promise<void> {
  expect(response.status).toBe(503);
  expect((await errorOf(response)).code).toBe('overloaded');
  expect(Number(response.headers.get('retry-after'))).toBeWithin(1, 4);
  expect(Number(response.headers.get('retry-after-ms'))).toBeWithin(1_000, 3_001);
  expect(response.headers.get('x-ratelimit-remaining-requests')).toMatch(/^\d+$/);
  expect(await metric(`gateway_shed_requests_total{reason="${reason}"}`)).toBeGreaterThan(0);
  const id = response.headers.get('x-request-id') ?? '';
  await gateway.logged(`"request_id":"${id}"`, '"error_code":"overloaded"');
}

async function metric(line: string): Promise<number | undefined> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.split(' ').at(-1));
}

const CALM = ['/healthz', '/readyz', '/metrics', '/errors'];
async function expectCalm(): Promise<void> {
  const replies = await Promise.all(CALM.map((path) => fetch(`${gateway.url}${path}`)));
  expect(replies.map(({ status }) => status)).toEqual(CALM.map(() => 200));
}

test('more requests than may be in flight are refused, until one has ended', async () => {
  await start('max_in_flight: 3');
  const asked = await running(3);
  await expectShed(await ask(gateway), 'requests');
  await expectShed(await ask(gateway, { stream: true }), 'requests');
  const turn = await gateway.request('/c1/chat', { body: { model: 'test-model', message: 'hi' } });
  await expectShed(turn, 'requests');
  await expectCalm();
  expect(upstream.calls).toHaveLength(3);
  await answerAll(asked);
  await answerAll(await running(3));
});

test('a turn may be cancelled however much there is to do', async () => {
  await start('max_in_flight: 1');
  upstream.script = async (call) => {
    await beginSse(call);
    await call.send(sse(chunk({ content: 'One' })));
  };
  const body = { model: 'test-model', message: 'hi', stream: true };
  const turn = await gateway.request('/c1/chat', { body });
  await expectShed(await ask(gateway), 'requests');
  const path = `/c1/turns/${turn.headers.get('x-turn-id')}/cancel`;
  const cancelled = await gateway.request(path, { method: 'POST' });
  expect(cancelled.status).toBe(200);
  expect(await turn.text()).toContain('"code":"turn_cancelled"');
});

describe('bodies that are held', () => {
  const half = { filler: 'x'.repeat(40_000) };

  test('are counted until their requests end, and refused beyond the limit', async () => {
    await start('max_held_bytes: 100000');
    const asked = await running(2, half);
    expect(await metric('gateway_held_body_bytes')).toBeWithin(80_000, 100_000);
    await expectShed(await ask(gateway, half), 'bytes');
    // A small one still has room.
    asked.push(...(await running(1)));
    await answerAll(asked);
    expect(await metric('gateway_held_body_bytes')).toBe(0);
    await answerAll(await running(2, half));
  });

  test('are counted as they come where nobody has said how long they will be', async () => {
    await start('max_held_bytes: 100000');
    const asked = await running(2, half);
    const raw = await openRaw(gateway.url);
    const piece = 'x'.repeat(0x8000);
    raw.send(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n` +
        `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n8000\r\n${piece}\r\n`,
    );
    const reply = await raw.until(/\r\n\r\n\{[^]*\}/);
    expect(reply).toStartWith('HTTP/1.1 503 ');
    expect(reply).toContain('"code":"overloaded"');
    expect(reply.toLowerCase()).toContain('\r\nconnection: close');
    await raw.closed;
    await answerAll(asked);
    expect(await metric('gateway_held_body_bytes')).toBe(0);
  });

  test('of one request alone may exceed it, up to the limit of a body', async () => {
    await start('max_held_bytes: 1024');
    await answerAll(await running(1, half));
  });
});

test('a loop that is late again and again refuses new work, and takes it when it is in time', async () => {
  await start('max_lag_ms: 5');
  const load = { stop: false };
  const busy = (async () => {
    while (!load.stop) {
      block(75);
      // Sockets and timers have their turn.
      await Bun.sleep(0);
    }
  })();
  let response = await ask(gateway, { model: 'none' });
  while (response.status !== 503) {
    await response.text();
    response = await ask(gateway, { model: 'none' });
  }
  await expectShed(response, 'lag');
  await expectCalm();
  load.stop = true;
  await busy;
  response = await ask(gateway, { model: 'none' });
  while (response.status === 503) {
    await Bun.sleep(10);
    response = await ask(gateway, { model: 'none' });
  }
  expect(response.status).toBe(400);
});

test('one piece of work that keeps all others waiting is told of and counted, and refuses nobody', async () => {
  await start('max_lag_ms: 5000');
  const before = (await metric('gateway_event_loop_blocks_total')) ?? 0;
  block(400);
  await gateway.logged('event loop was blocked', '"blocked_ms":');
  expect(await metric('gateway_event_loop_blocks_total')).toBeGreaterThan(before);
  expect((await ask(gateway, { model: 'none' })).status).toBe(400);
});

/** Keeps this process, which is the gateway's, from everything else. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
