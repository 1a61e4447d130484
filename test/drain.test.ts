// The end of the process, and its starts that fail: what clients, orchestrators and shells see of them.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
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
import { runGateway, spawnGateway, type GatewayProcess } from './harness/gateway.ts';

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());

const started: GatewayProcess[] = [];
async function start(more = '', directory?: string): Promise<GatewayProcess> {
  const yaml = configFor(upstream, more);
  const server = await spawnGateway({ yaml, ...(directory === undefined ? {} : { directory }) });
  started.push(server);
  return server;
}
afterEach(async () => {
  for (const server of started.splice(0)) {
    await server.kill();
    rmSync(server.directory, { recursive: true, force: true });
  }
});

const FIRST_WORD = sse(chunk({ role: 'assistant', content: 'One' }));
const REQUESTS = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'hi' }] },
  '/c1/chat': { message: 'hi' },
};
type Path = keyof typeof REQUESTS;

function ask(server: GatewayProcess, path: Path, more: object = {}): Promise<Response> {
  return server.request(path, { body: { model: 'test-model', ...REQUESTS[path], ...more } });
}

interface OpenStream {
  readonly call: UpstreamCall;
  /** Reads the stream to its end. */
  rest(): Promise<string>;
}

/** A stream of which the first word has come. */
async function openStream(server: GatewayProcess, path: Path): Promise<OpenStream> {
  upstream.script = async (call) => {
    await beginSse(call);
    await call.send(FIRST_WORD);
  };
  const asked = upstream.nextCall();
  const response = await ask(server, path, { stream: true });
  expect(response.status).toBe(200);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('One')) text += (await reader.read()).value ?? '';
  return {
    call: await asked,
    async rest() {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
  };
}

async function finish({ call }: Pick<OpenStream, 'call'>): Promise<void> {
  await call.send(sse(chunk({ content: ' two' })) + sse(chunk({}, 'stop')) + sse('[DONE]'));
  call.end();
}

async function stop(server: GatewayProcess): Promise<void> {
  server.process.kill('SIGTERM');
  await server.stdout.until(/"msg":"draining"/);
}

describe('after SIGTERM', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '(or %s) an idle process ends at once',
    async (signal) => {
      const server = await start();
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
      const startedAt = performance.now();
      expect(await server.kill(signal)).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(server.stdout.text()).toContain('"msg":"gateway stopped"');
    },
  );

  test('a stream goes on to its end, while new requests are sent elsewhere, and then the process ends', async () => {
    const server = await start();
    const streams = [
      await openStream(server, '/v1/chat/completions'),
      await openStream(server, '/c1/chat'),
    ];
    await stop(server);

    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'draining' });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    for (const path of Object.keys(REQUESTS) as Path[]) {
      const refused = await ask(server, path);
      expect(refused.status).toBe(503);
      expect(refused.headers.get('connection')).toBe('close');
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await refused.text()).toContain('"code":"shutting_down"');
    }

    for (const stream of streams) {
      await finish(stream);
      const text = await stream.rest();
      expect(text).toContain(' two');
      expect(text).toEndWith('data: [DONE]\n\n');
    }
    expect(await server.process.exited).toBe(0);
  });

  test('an answer that is asked for whole is waited for, too', async () => {
    const server = await start();
    upstream.script = () => undefined;
    const asked = upstream.nextCall();
    const response = ask(server, '/v1/chat/completions');
    const call = await asked;
    await stop(server);
    await replyJson(call, completion('late'));
    expect((await response).status).toBe(200);
    expect(await (await response).text()).toContain('late');
    expect(await server.process.exited).toBe(0);
  });

  test('a turn whose client has left is waited for, and kept', async () => {
    const server = await start();
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(FIRST_WORD);
    };
    const leaving = new AbortController();
    const asked = upstream.nextCall();
    const response = await server.request('/c1/chat', {
      body: { model: 'test-model', message: 'hi', stream: true },
      signal: leaving.signal,
    });
    const id = response.headers.get('x-conversation-id');
    const call = await asked;
    leaving.abort();
    await server.stdout.until(/"msg":"client gone"/);
    await stop(server);
    await finish({ call });
    expect(await server.process.exited).toBe(0);

    const again = await start('', server.directory);
    const conversation = await again.request(`/c1/conversations/${id}`);
    expect(await conversation.json()).toMatchObject({
      messages: [{ content: 'hi' }, { role: 'assistant', content: 'One two' }],
    });
  });

  test.each(Object.keys(REQUESTS) as Path[])(
    'what is left of %s at the end of drain_ms is told so, without [DONE]',
    async (path) => {
      const server = await start('server: { drain_ms: 300 }');
      const stream = await openStream(server, path);
      upstream.script = () => undefined;
      const asked = upstream.nextCall();
      const whole = ask(server, path);
      await asked;
      server.process.kill('SIGTERM');

      const text = await stream.rest();
      const last = text.trimEnd().split('\n\n').at(-1) ?? '';
      expect(last).toStartWith('data: {"error":{"type":"internal_error","code":"shutting_down"');
      expect(text).not.toContain('[DONE]');
      expect(text).not.toContain('"finish_reason":"');
      expect((await whole).status).toBe(503);
      expect(await (await whole).text()).toContain('"code":"shutting_down"');
      await stream.call.closed;
      expect(await server.process.exited).toBe(0);
    },
  );

  // src/cli/serve.ts waits for the first of each signal: a SIGINT after a SIGTERM is taken and forgotten.
  test('a second signal of the other kind ends the process at once', async () => {
    const server = await start('server: { drain_ms: 600 }');
    const stream = await openStream(server, '/v1/chat/completions');
    const cut = stream.rest().catch(() => 'reset');
    await stop(server);
    const code = await server.kill('SIGINT');
    await cut;
    expect(code).not.toBe(0);
  });

  test('a second signal ends the process at once', async () => {
    const server = await start();
    const stream = await openStream(server, '/v1/chat/completions');
    const cut = stream.rest().then(
      (text) => text,
      () => 'reset',
    );
    await stop(server);
    expect(await server.kill('SIGTERM')).not.toBe(0);
    expect(await cut).not.toContain('[DONE]');
  });
});

describe('a start that cannot be', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-start-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    runGateway(args, { cwd: directory, env });

  test('because the port is in use says so', async () => {
    const blocker = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    try {
      writeFileSync(join(directory, 'taken.yaml'), configFor(upstream));
      const flags = ['--config', 'taken.yaml', '--port', String(blocker.port)];
      const { code, stderr } = await run(['serve', ...flags]);
      expect(code).toBe(1);
      expect(stderr).toStartWith('The port is in use.');
      expect(stderr.trim().split('\n')).toHaveLength(1);
    } finally {
      await blocker.stop(true);
    }
  });

  test('because the configuration is wrong lists all that is wrong', async () => {
    const yaml = 'servr: {}\nlog: { level: loud }\nauth: { bearer: "env:NOT_SET" }';
    writeFileSync(join(directory, 'wrong.yaml'), yaml);
    const { code, stdout, stderr } = await run(['serve', '--config', 'wrong.yaml'], {
      PORT: 'abc',
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const problems = ['servr:', 'log.level:', 'auth.bearer', 'server.port (from PORT):'];
    for (const problem of problems) expect(stderr).toContain(problem);
    expect(stderr).not.toContain('at ');
  });

  test('because there is no such command shows those that there are', async () => {
    const { code, stdout, stderr } = await run(['sevre']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('there is no command "sevre"');
    expect(stderr).toContain('dgx-gateway serve');
  });

  test('is not one when only the version or the usage is asked for', async () => {
    expect(await run(['--version'])).toEqual({
      code: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    });
    const help = await run(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('dgx-gateway check');
  });
});
