// Requests that no HTTP library sends: two readings of one request (smuggling), broken syntax, things that are not
// HTTP at all, and clients that take for ever. None reaches an upstream, and the gateway serves on after each.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { AUTH, BODY, BROKEN, CHUNKS, get, LENGTH, post, TWO_READINGS } from './harness/hostile.ts';
import { openRaw, statusesIn } from './harness/raw.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

describe.each([...TWO_READINGS, ...BROKEN])('a request with %s', (_, bytes) => {
  afterEach(async () => {
    const response = await fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': TOKEN } });
    expect(response.status).toBe(200);
    await response.text();
  });

  test('is refused or hung up on, and reaches nobody', async () => {
    const before = upstream.calls.length;
    const raw = await openRaw(gateway.url);
    raw.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    const reply = await raw.until(/^HTTP\/1\.1 [^]*?\r\n\r\n/);
    raw.finish();
    const statuses = statusesIn(await raw.closed.then((all) => all || reply));
    for (const status of statuses) expect(status).toBeWithin(400, 600);
    expect(statuses.length).toBeLessThanOrEqual(1);
    expect(upstream.calls.length).toBe(before);
  });
});

test('what follows a request with two readings is not served as a request of its own', async () => {
  const smuggled = `GET /v1/info HTTP/1.1\r\nhost: x\r\n${AUTH}\r\n`;
  const chunksFirst = post(`content-length: 5\r\n${CHUNKS}`, `0\r\n\r\n${smuggled}`);
  const lengthFirst = post(
    `content-length: ${LENGTH}\r\ncontent-length: 0\r\n`,
    `${BODY}${smuggled}`,
  );
  for (const bytes of [chunksFirst, lengthFirst]) {
    const raw = await openRaw(gateway.url);
    raw.send(bytes);
    const reply = await raw.closed;
    expect(statusesIn(reply)).toEqual([400]);
    expect(reply).not.toContain('config_hash');
  }
});

test('an absolute-form target is answered as its path is, and leads to no other host', async () => {
  const other = await startFakeUpstream();
  try {
    const evil = other.url.replace('/v1', '');
    const [plain, absolute, foreign] = await Promise.all(
      ['/v1/models', `${evil}/v1/models`, 'https://example.com:1/v1/models'].map(async (target) => {
        const raw = await openRaw(gateway.url);
        raw.send(get('host: x\r\nconnection: close\r\n', target));
        const reply = await raw.closed;
        return { statuses: statusesIn(reply), body: reply.slice(reply.indexOf('\r\n\r\n')) };
      }),
    );
    expect(plain?.statuses).toEqual([200]);
    expect(absolute).toEqual(plain);
    expect(foreign).toEqual(plain);
    const closed = await openRaw(gateway.url);
    closed.send(`GET ${evil}/v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(statusesIn(await closed.closed)).toEqual([401]);
    expect(other.openConnections()).toBe(0);
  } finally {
    await other.close();
  }
});

test.each([
  '/healthz/../v1/models',
  '/healthz/%2e%2e/v1/models',
  '/v1/models#/healthz',
  '/v1\\models',
  '//x/../v1/models',
  '/docs/..\\../v1/info',
  'http://x/healthz/../v1/models',
])('the raw target %s does not lead past the token', async (target) => {
  const raw = await openRaw(gateway.url);
  raw.send(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  const reply = await raw.closed;
  expect(reply).not.toContain('test-model');
  expect(statusesIn(reply)[0]).toBeWithin(400, 405);
});
