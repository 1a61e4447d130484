// Silence: how it is bridged with pings, and how each of the four time limits ends it under its own name.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  beginSse,
  chunk,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { holdCalls } from './harness/c1.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { openRaw } from './harness/raw.ts';
import { ask, askStream, configWith, errorIn, eventsIn, USER } from './harness/v1.ts';

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());

const HELLO = sse(chunk({ role: 'assistant', content: 'Hello' }));

/** A gateway whose upstream has these time limits; closed after the tests of the describe block. */
function gatewayWith(timeouts: string, rest = ''): () => TestGateway {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway(
      configWith(upstream, { upstream: `timeouts: { ${timeouts} }`, rest }),
    );
  });
  afterAll(() => gateway.close());
  return () => gateway;
}

describe('with short time limits', () => {
  const gateway = gatewayWith('first_byte_ms: 150, idle_ms: 150, total_ms: 300');

  test('an upstream that sends no head is a 504 that names the first byte, stream or not, and its connection closes', async () => {
    upstream.script = () => undefined;
    for (const response of [await askStream(gateway()), await ask(gateway())]) {
      expect(response.status).toBe(504);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(errorIn(await response.text())).toMatchObject({
        code: 'upstream_timeout',
        message:
          'The upstream "fake" sent no first byte within its first byte timeout of 150 ms. Try again.',
      });
      await upstream.calls.at(-1)?.closed;
    }
  });

  test('an upstream that sends a head and no event is a 504 that names the idle limit', async () => {
    upstream.script = beginSse;
    const response = await askStream(gateway());
    expect(response.status).toBe(504);
    expect(errorIn(await response.text()).message).toContain('idle timeout of 150 ms');
    await upstream.calls.at(-1)?.closed;
  });

  test('a stream that falls silent ends with an event that names the idle limit, and nothing else', async () => {
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(HELLO);
    };
    const response = await askStream(gateway());
    expect(response.status).toBe(200);
    const events = eventsIn(await response.text());
    expect(events).toHaveLength(2);
    expect(errorIn(events[1] ?? '')).toMatchObject({
      code: 'upstream_timeout',
      message:
        'The upstream "fake" fell silent in mid-answer within its idle timeout of 150 ms. Try again.',
    });
    await upstream.calls.at(-1)?.closed;
  });

  test('a stream that never falls silent and never ends is ended under the name of the total limit', async () => {
    upstream.script = async (call) => {
      await beginSse(call);
      const left = call.closed.then(() => true);
      const pause = () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 30));
      while (!(await Promise.race([left, pause()]))) await call.send(HELLO);
    };
    const response = await askStream(gateway());
    const events = eventsIn(await response.text());
    expect(events.length).toBeGreaterThan(3);
    expect(errorIn(events.at(-1) ?? '').message).toContain(
      'did not finish within its total timeout of 300 ms',
    );
    await upstream.calls.at(-1)?.closed;
  });

  test('a JSON reply that dribbles is a 504 under the name of the idle or the total limit', async () => {
    upstream.script = async (call) => {
      await call.send(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{',
      );
    };
    const response = await ask(gateway());
    expect(response.status).toBe(504);
    expect(errorIn(await response.text()).message).toContain('idle timeout');
  });
});

describe('with a heartbeat of 100 ms', () => {
  const gateway = gatewayWith(
    'first_byte_ms: 5000, idle_ms: 5000',
    'streams: { heartbeat_ms: 100 }',
  );

  async function openStream() {
    const connection = await openRaw(gateway().url);
    const body = JSON.stringify({ model: 'test-model', stream: true, messages: [USER] });
    connection.send(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-token-3f9c\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    return connection;
  }

  test('pings come before the upstream has sent its head, between chunks, and never inside one', async () => {
    const asked = holdCalls(upstream);
    const client = await openStream();
    const call = await asked;
    await client.until(/: ping\n\n[^]*: ping\n\n/);
    expect(client.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(client.received()).not.toContain('data:');
    await beginSse(call);
    await call.send(HELLO.slice(0, 40));
    const pings = pingsIn(client.received());
    await client.until(new RegExp(`(?:: ping\\n\\n[^]*){${pings + 2}}`));
    await call.send(HELLO.slice(40));
    await client.until(/"content":"Hello"[^]*: ping/);
    await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
    call.end();
    const text = await client.until(/\[DONE\]/);
    client.destroy();
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data ?? '');
    expect(events).toHaveLength(3);
    expect(JSON.parse(events[0] ?? '')).toMatchObject({
      choices: [{ delta: { content: 'Hello' } }],
    });
    expect(events[2]).toBe('[DONE]');
  });

  test('an error after the first ping is an event of the stream', async () => {
    const asked = holdCalls(upstream);
    const client = await openStream();
    const call = await asked;
    await client.until(/: ping/);
    await call.send(
      'HTTP/1.1 429 X\r\nretry-after: 9\r\ncontent-type: application/json\r\ncontent-length: 32\r\n\r\n{"error":{"message":"too many"}}',
    );
    const text = await client.until(/data: .*\n\n/);
    client.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(text).toContain('"code":"upstream_rate_limited"');
    expect(text).not.toContain('[DONE]');
  });

  test('a stream that is never silent has no pings', async () => {
    upstream.script = (call) => replySse(call, streamOf(['a', 'b', 'c']));
    expect(await (await askStream(gateway())).text()).not.toContain('ping');
  });
});

function pingsIn(text: string): number {
  return text.split(': ping').length - 1;
}
