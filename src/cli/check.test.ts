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
  expect(out).toMatch(/good +openai +http:\/\/127\.0\.0\.1:\d+\/v1 +yes +ok 200 +\d+ ms +2/);
  expect(out).toMatch(/barred +openai +http:\/\/\*\*\*@127\.0\.0\.1:\d+\/v1 +yes +answered 401/);
  expect(out).toMatch(/mine +good +a +yes\n +good +b +yes\n +good +c +no\n/);
  expect(out).toMatch(/other +barred +a +unknown/);
  expect(out).toContain('for want of an upstream: llama-4-scout, ');
  expect(out).toContain('bearer: "***"');
  expect(err).toBe('Warning: upstream barred: answered 401\n');
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
    fetch: () => Response.json({ data: [{ id: 'llama4:scout' }] }),
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
