// `dgx-gateway check` as the operator sees it, over real sockets.

import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCheck, type CheckIo } from './check.ts';

const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function check(yaml: string | undefined, io: Partial<CheckIo> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'gateway-check-'));
  stops.push(() => rmSync(cwd, { recursive: true }));
  if (yaml !== undefined) writeFileSync(join(cwd, 'gateway.yaml'), yaml);
  let out = '';
  let err = '';
  const code = await runCheck({
    argv: [],
    env: {},
    cwd,
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    enginePorts: {},
    ...io,
  });
  return { code, out, err };
}

/** A model server that wants `key`; returns its base address. */
function upstream(key: string, ...models: string[]): string {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: ({ url, headers }) => {
      if (new URL(url).pathname !== '/v1/models') return new Response(null, { status: 404 });
      if (headers.get('authorization') !== `Bearer ${key}`)
        return new Response(null, { status: 401 });
      return Response.json({ object: 'list', data: models.map((id) => ({ id })) });
    },
  });
  stops.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}/v1`;
}

function closedAddress(): string {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  void server.stop(true);
  return `http://127.0.0.1:${server.port}/v1`;
}

test('a valid configuration is shown with what each upstream serves, and without a secret', async () => {
  const yaml = `
auth: { bearer: hunter1 }
upstreams:
  good: { kind: openai, base_url: "${upstream('hunter2', 'a', 'b:latest')}", api_key: hunter2, headers: { x-k: hunter3 } }
  barred: { kind: openai, base_url: "${upstream('x').replace('//', '//me:hunter4@')}", api_key: hunter5 }
models:
  mine: { targets: [{ upstream: good, model: a }, { upstream: good, model: b }, { upstream: good, model: c }] }
  other: { targets: [{ upstream: barred, model: a }] }
`;
  const { code, out, err } = await check(yaml);
  expect(code).toBe(0);
  expect(out).toMatch(/good +openai +http:\/\/127\.0\.0\.1:\d+\/v1 +yes +ok +\d+ ms +2\n/);
  expect(out).toMatch(
    /barred +openai +http:\/\/\*\*\*@127\.0\.0\.1:\d+\/v1 +yes +refused the key \(HTTP 401\) +\d+ ms +-\n/,
  );
  expect(out).toMatch(/mine +good +a +yes\n +good +b +yes\n +good +c +no\n/);
  expect(out).toMatch(/other +barred +a +unknown/);
  expect(out).toContain('for want of an upstream: llama-4-scout, ');
  expect(out).toContain('bearer: "***"');
  expect(err).toBe('Warning: upstream barred: refused the key (HTTP 401)\n');
  expect(out + err).not.toContain('hunter');
});

test('an upstream that cannot be reached is a warning, and a failure with --strict', async () => {
  const yaml = `upstreams: { gone: { kind: vllm, base_url: "${closedAddress()}" } }`;
  const { code, out, err } = await check(yaml);
  expect(code).toBe(0);
  expect(out).toMatch(/gone +vllm +\S+ +no +connection refused/);
  expect(err).toBe('Warning: upstream gone: connection refused\n');
  expect((await check(yaml, { argv: ['--strict'] })).code).toBe(1);
});

/** A server that answers only what `routes` names, if the request carries the header; notes all that it was asked. */
function picky(header: string, value: string, routes: Record<string, object>) {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      asked.push(`${pathname}${search}`);
      if (request.headers.get(header) !== value) return new Response(null, { status: 401 });
      const body = routes[pathname];
      return body ? Response.json(body) : new Response(null, { status: 404 });
    },
  });
  stops.push(() => server.stop(true));
  return { asked, root: `http://127.0.0.1:${server.port}` };
}

test('each kind is asked as a running gateway asks it, with its key in its own header', async () => {
  const claude = picky('x-api-key', 'k', { '/v1/models': { data: [] } });
  const google = picky('x-goog-api-key', 'k', { '/v1beta/models': { models: [] } });
  const cloud = picky('api-key', 'k', { '/openai/v1/models': { data: [{ id: 'gpt' }] } });
  const local = picky('authorization', 'Bearer k', {
    '/api/version': { version: '0.30.1' },
    '/api/ps': { models: [{ name: 'llama4:scout', context_length: 8192 }] },
    '/api/tags': { models: [{ name: 'llama4:scout' }, { name: 'other:latest' }] },
  });
  const resold = picky('authorization', 'Bearer k', {
    '/api/v1/key': { data: {} },
    '/api/v1/models': { data: [] },
  });
  const { code, out, err } = await check(
    `
upstreams:
  claude: { kind: anthropic, base_url: "${claude.root}/v1", api_key: k }
  google: { kind: gemini, base_url: "${google.root}/v1beta", api_key: k }
  cloud: { kind: azure, base_url: "${cloud.root}/openai/v1", api_key: k }
  ollama: { kind: ollama, base_url: "${local.root}", api_key: k }
  resold: { kind: openrouter, base_url: "${resold.root}/api/v1", api_key: k }
models:
  a: { targets: [{ upstream: claude, model: c }, { upstream: ollama, model: other }, { upstream: cloud, model: gpt }] }
`,
    { argv: ['--strict'] },
  );
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(claude.asked).toEqual(['/v1/models?limit=1']);
  expect(google.asked).toEqual(['/v1beta/models?pageSize=1']);
  expect(resold.asked[0]).toBe('/api/v1/key');
  expect(out).toMatch(/claude +anthropic +\S+ +yes +ok +\d+ ms +-\n/);
  expect(out).toMatch(/ollama +ollama +\S+ +yes +ok +\d+ ms +2\n/);
  expect(out).toContain('ollama: version 0.30.1; context 8192 tokens; loaded: llama4:scout\n');
  expect(out).toMatch(/a +claude +c +unknown\n +ollama +other +yes\n +cloud +gpt +yes\n/);
});

test('a key that Gemini or Anthropic refuses is said to be refused', async () => {
  const claude = picky('x-api-key', 'right', {});
  const google = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => Response.json({ error: { details: 'API_KEY_INVALID' } }, { status: 400 }),
  });
  stops.push(() => google.stop(true));
  const { err } = await check(`
upstreams:
  claude: { kind: anthropic, base_url: "${claude.root}/v1", api_key: wrong }
  google: { kind: gemini, base_url: "http://127.0.0.1:${google.port}/v1beta", api_key: wrong }
`);
  expect(err).toBe(
    'Warning: upstream claude: refused the key (HTTP 401)\nWarning: upstream google: refused the key (HTTP 400)\n',
  );
});

test('a wrong configuration ends in all its problems and exit code 1', async () => {
  const { code, out, err } = await check('servr: {}\nlog: { level: loud }', {
    env: { PORT: 'abc' },
  });
  expect(code).toBe(1);
  expect(out).toBe('');
  expect(err.trimEnd().split('\n')).toHaveLength(4);
  expect(err).toContain('servr: unknown key; did you mean server?');
  expect(err).toContain(
    'server.port (from PORT): expected a whole number from 0 to 65535, got "abc"',
  );
  expect(err).toEndWith('The configuration has 3 problems.\n');
});

test('without any configuration it shows the engines found here, or says that the demo engine answers', async () => {
  const port = Number(new URL(upstream('x')).port);
  const nothing = await check(undefined, { enginePorts: { vllm: port } });
  expect(nothing.code).toBe(0);
  expect(nothing.out).toContain('the built-in demo engine would answer');
  expect(nothing.out).toContain('Answered by the demo engine: llama-4-scout, ');
  const engine = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      Response.json({ data: [{ id: 'llama4:scout' }], models: [{ name: 'llama4:scout' }] }),
  });
  stops.push(() => engine.stop(true));
  const { out } = await check(undefined, { enginePorts: { ollama: engine.port ?? 0 } });
  expect(out).toMatch(/llama-4-scout +ollama +llama4:scout +yes/);
});

test('the settings that it shows can be read back', async () => {
  const yaml =
    'upstreams: { o: { kind: ollama, base_url: "http://127.0.0.1:1" } }\nmodels: { gpt-image: null }';
  const { out } = await check(yaml);
  const settings = out.slice(out.indexOf('\nserver:'));
  const again = await check(settings);
  expect(again.err).toBe('Warning: upstream o: connection refused\n');
  expect(again.out.slice(again.out.indexOf('Effective'))).toBe(out.slice(out.indexOf('Effective')));
});
