// Secrets: that neither the token nor an upstream's key is ever said, and where a token that the server made is kept.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  completion,
  configFor,
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import {
  spawnGateway,
  startGateway,
  TOKEN,
  type GatewayProcess,
  type TestGateway,
} from './harness/gateway.ts';
import { ROUTES } from './harness/routes.ts';

/** As `configFor` writes it. */
const UPSTREAM_KEY = 'upstream-secret-key';

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

const CHAT = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }] };

test('neither the token nor the upstream key is ever said: in no reply, no header, no log line', async () => {
  const seen: string[] = [];
  const look = async (pending: Promise<Response>) => {
    const response = await pending;
    seen.push(JSON.stringify([...response.headers]), await response.text());
  };
  for (const { method, path } of ROUTES) {
    const posts = method === 'POST' || method === 'PATCH';
    await look(gateway.request(path, { method, ...(posts ? { body: CHAT } : {}) }));
    await look(gateway.request(path, { method: 'PUT', body: '{"a":' }));
    await look(gateway.request(path, { method, headers: { authorization: `Basic ${TOKEN}` } }));
  }
  // An upstream that quotes the key it was sent when it refuses it.
  for (const status of [401, 402, 403]) {
    upstream.script = (call) =>
      replyJson(call, { error: { message: `Incorrect API key: ${UPSTREAM_KEY}` } }, { status });
    await look(gateway.request('/v1/chat/completions', { body: CHAT }));
  }
  upstream.script = (call) => call.reset();
  await look(gateway.request('/v1/chat/completions', { body: CHAT }));
  upstream.script = (call) => replyJson(call, completion('ok'));
  await look(gateway.request('/v1/chat/completions', { body: CHAT }));
  await look(gateway.request('/c1/chat', { body: { model: 'test-model', message: 'hi' } }));
  // The key went where it belongs, and the client's token did not go along.
  const call = upstream.calls.at(-1);
  expect(call?.headers.get('authorization')).toBe(`Bearer ${UPSTREAM_KEY}`);
  expect(JSON.stringify([...(call?.headers ?? [])])).not.toContain(TOKEN);
  expect(seen.length).toBeGreaterThan(60);
  for (const text of [...seen, gateway.logText()]) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(UPSTREAM_KEY);
  }
});

// src/providers/failure.ts passes on what an upstream says about anything but credentials as it stands.
test.each([400, 429, 500])('nor when an upstream quotes its key in an HTTP %d', async (status) => {
  upstream.script = (call) =>
    replyJson(call, { error: { message: `No quota for ${UPSTREAM_KEY}` } }, { status });
  const response = await gateway.request('/v1/chat/completions', { body: CHAT });
  expect(await response.text()).not.toContain(UPSTREAM_KEY);
});

test('a server that is given no token makes one, for its owner alone, names the file, and keeps it over a restart', async () => {
  const start = (directory?: string): Promise<GatewayProcess> =>
    spawnGateway({
      yaml: configFor(upstream),
      env: { RUST_API_BEARER: undefined },
      ...(directory === undefined ? {} : { directory }),
    });
  const servers = [await start()];
  const [first] = servers as [GatewayProcess];
  const path = join(first.directory, 'bearer-token');
  try {
    const token = readFileSync(path, 'utf8').trim();
    expect(token).toMatch(/^dgx_[\w-]{43}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await first.stderr.until(/curl/)).toContain(`generated in ${path}`);
    const status = async (server: GatewayProcess, authorization: string) =>
      (await server.request('/v1/models', { headers: { authorization } })).status;
    expect(await status(first, `Bearer ${token}`)).toBe(200);
    expect(await status(first, `Bearer ${TOKEN}`)).toBe(401);
    expect(await status(first, 'Bearer undefined')).toBe(401);
    await first.kill('SIGTERM');
    const second = await start(first.directory);
    servers.push(second);
    expect(await second.stderr.until(/curl/)).toContain(`kept in ${path}`);
    expect(await status(second, `Bearer ${token}`)).toBe(200);
    await second.kill('SIGTERM');
    for (const output of [first.stderr, first.stdout, second.stderr, second.stdout]) {
      expect(output.text()).not.toContain(token);
    }
  } finally {
    for (const server of servers) await server.kill();
    rmSync(first.directory, { recursive: true, force: true });
  }
});
