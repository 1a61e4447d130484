// Connections, rather than requests: order, 100-continue, bodies that nobody reads, and clients that take for ever.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { READ_IDLE_SECONDS } from '../src/domain/limits.ts';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { openRaw, statusesIn } from './harness/raw.ts';

const LIMIT = 1_048_576;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  const limits = `limits: { max_body_bytes: ${LIMIT}, rate_per_second: 1000000, burst: 1000000 }`;
  gateway = await startGateway(configFor(upstream, limits));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const BODY = '{"model":"test-model","messages":[{"role":"user","content":"hi"}]}';
const AUTH = `authorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n`;

function postHead(headers: string, auth = AUTH): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${auth}${headers}\r\n`;
}

const WHOLE_POST = `${postHead(`content-length: ${BODY.length}\r\n`)}${BODY}`;

/** Resolves when this many whole replies with a body in JSON have come. */
function replies(count: number): RegExp {
  return new RegExp(`(?:HTTP/1\\.1 [^]*?\\r\\n\\r\\n\\{[^]*?\\}\\n?(?=HTTP|$)){${count}}`);
}

test('requests that come at once are answered in their order', async () => {
  const raw = await openRaw(gateway.url);
  const paths = ['/healthz', '/v1/nothing', '/v1/models', '/healthz', '/errors/none'];
  raw.send(
    paths
      .map(
        (path, index) =>
          `GET ${path} HTTP/1.1\r\nhost: x\r\nx-request-id: r${index}\r\n${AUTH}${index === paths.length - 1 ? 'connection: close\r\n' : ''}\r\n`,
      )
      .join(''),
  );
  const received = await raw.until(/x-request-id: r4\r\n[^]*\}\n/);
  expect(statusesIn(received)).toEqual([200, 404, 200, 200, 404]);
  const ids = [...received.matchAll(/^x-request-id: (\S+)\r$/gm)].map(([, id]) => id);
  expect(ids).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
  raw.destroy();
});

test('a request that comes before an answer has begun is answered after it', async () => {
  const raw = await openRaw(gateway.url);
  raw.send(`${WHOLE_POST}${'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3)}`);
  const received = await raw.until(replies(4));
  expect(statusesIn(received)).toEqual([200, 200, 200, 200]);
  expect(received.indexOf('chat.completion')).toBeLessThan(received.indexOf('{"status":"ok"}'));
  raw.destroy();
});

test('a request may come in single bytes', async () => {
  const raw = await openRaw(gateway.url);
  for (const byte of Buffer.from(WHOLE_POST)) raw.send(Uint8Array.of(byte));
  expect(statusesIn(await raw.until(replies(1)))).toEqual([200]);
  raw.destroy();
});

test('one connection serves request after request, whatever the replies', async () => {
  const raw = await openRaw(gateway.url);
  const bad = `${postHead('content-length: 2\r\n')}[]`;
  const unknown = `GET /v1/none HTTP/1.1\r\nhost: x\r\n${AUTH}\r\n`;
  const sent = [WHOLE_POST, bad, unknown, WHOLE_POST];
  for (const [index, request] of sent.entries()) {
    raw.send(request);
    await raw.until(replies(index + 1));
  }
  expect(statusesIn(raw.received())).toEqual([200, 400, 404, 200]);
  raw.destroy();
});

describe('Expect: 100-continue', () => {
  test('is told to go on, and then answered', async () => {
    const raw = await openRaw(gateway.url);
    raw.send(postHead(`content-length: ${BODY.length}\r\nexpect: 100-continue\r\n`));
    await raw.until(/^HTTP\/1\.1 100 /);
    raw.send(BODY);
    expect(statusesIn(await raw.until(/HTTP\/1\.1 [2-5][^]*\}/))).toEqual([100, 200]);
    raw.destroy();
  });

  test('without a token or beyond the limit gets its refusal without the body being sent', async () => {
    for (const [head, status] of [
      [postHead('content-length: 500\r\nexpect: 100-continue\r\n', ''), 401],
      [postHead(`content-length: ${LIMIT + 1}\r\nexpect: 100-continue\r\n`), 413],
    ] as const) {
      const raw = await openRaw(gateway.url);
      raw.send(head);
      const received = await raw.until(/HTTP\/1\.1 [2-5][^]*\}/);
      expect(statusesIn(received).at(-1)).toBe(status);
      raw.destroy();
    }
  });
});

describe('a body that nobody reads', () => {
  test('does not become the next request after an early 401', async () => {
    const raw = await openRaw(gateway.url);
    const smuggled = `GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n`;
    raw.send(postHead(`content-length: ${smuggled.length}\r\n`, ''));
    await raw.until(replies(1));
    raw.send(smuggled);
    raw.send(WHOLE_POST);
    expect(statusesIn(await raw.until(replies(2)))).toEqual([401, 200]);
    raw.destroy();
  });

  test('of a client that sends all before it reads, leaves it its 401 or 413', async () => {
    const body = 'x'.repeat(8 * LIMIT);
    const refused = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body });
    expect(refused.status).toBe(401);
    await refused.text();
    const large = await gateway.request('/v1/chat/completions', { body });
    expect(large.status).toBe(413);
    expect(await large.text()).toContain('body_too_large');
    const next = await gateway.request('/v1/chat/completions', { body: BODY });
    expect(next.status).toBe(200);
    await next.text();
  });

  test('on a GET is skipped', async () => {
    const raw = await openRaw(gateway.url);
    raw.send(`GET /v1/models HTTP/1.1\r\nhost: x\r\n${AUTH}content-length: 5\r\n\r\nhello`);
    await raw.until(replies(1));
    raw.send(WHOLE_POST);
    expect(statusesIn(await raw.until(replies(2)))).toEqual([200, 200]);
    raw.destroy();
  });
});

test('clients that stop in mid-request are hung up on, and nobody else notices', async () => {
  const stalled = [
    '',
    'GET /healthz HTTP/1.1\r\nhost: x\r\n',
    `${postHead('content-length: 1000\r\n')}{`,
    `${postHead('transfer-encoding: chunked\r\n')}1\r\n{\r\n`,
  ];
  const startedAt = performance.now();
  const raws = await Promise.all(stalled.map(() => openRaw(gateway.url)));
  for (const [index, raw] of raws.entries()) raw.send(stalled[index] ?? '');
  // One that never stops, and never finishes its headers.
  const dripping = await openRaw(gateway.url);
  dripping.send('GET /healthz HTTP/1.1\r\nhost: x\r\n');
  // And one whose body comes, but never faster than that.
  const slow = await openRaw(gateway.url);
  slow.send(postHead('content-length: 100000\r\n'));
  const drip = setInterval(() => {
    dripping.send('x-a: b\r\n');
    slow.send('{');
  }, 500);
  // This one has asked, and may ask again.
  const idle = await openRaw(gateway.url);
  idle.send(WHOLE_POST);
  await idle.until(replies(1));

  const hungUp = Promise.all([...raws, dripping, slow].map((raw) => raw.closed));
  const over = new AbortController();
  void hungUp.then(() => over.abort());
  let slowest = 0;
  while (!over.signal.aborted) {
    const askedAt = performance.now();
    const response = await gateway.request('/v1/chat/completions', { body: BODY });
    expect(response.status).toBe(200);
    await response.text();
    slowest = Math.max(slowest, performance.now() - askedAt);
    await Promise.race([hungUp, Bun.sleep(100)]);
  }
  clearInterval(drip);
  for (const text of await hungUp) expect(statusesIn(text)).not.toContain(200);
  // Bun looks every 4 s.
  expect(performance.now() - startedAt).toBeLessThan((READ_IDLE_SECONDS + 5) * 1000);
  expect(slowest).toBeLessThan(2_000);
  idle.send(WHOLE_POST);
  expect(statusesIn(await idle.until(replies(2)))).toEqual([200, 200]);
  idle.destroy();
}, 25_000);
