// The README's example, as a process of its own, while the gateway is killed and started again under it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChatClient } from '../client/index.ts';
import { rows } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { spawnGateway, TOKEN, type GatewayProcess } from './harness/gateway.ts';
import { projectWithClient } from './harness/packed-client.ts';

let upstream: FakeUpstream;
let project: string;
let gateway: GatewayProcess;
const directory = mkdtempSync(join(tmpdir(), 'client-crash-'));
beforeAll(async () => {
  upstream = await startFakeUpstream(() => {});
  project = await projectWithClient();
  gateway = await start('0');
});
afterAll(async () => {
  await gateway.kill();
  await upstream.close();
  for (const path of [directory, project]) rmSync(path, { recursive: true, force: true });
});

function start(port: string): Promise<GatewayProcess> {
  return spawnGateway({
    directory,
    env: { PORT: port },
    yaml: `
catalogue: replace
upstreams: { fake: { kind: openai, base_url: ${upstream.url} } }
models: { llama-4-scout: { targets: [{ upstream: fake, model: fake-model }] } }
`,
  });
}

/** On the same port with the same directory. */
async function restart(): Promise<void> {
  const { port } = new URL(gateway.url);
  await gateway.kill('SIGKILL');
  gateway = await start(port);
}

/** Runs the example as the README has it; only the address is ours. */
function runExample(runtime: string) {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const example = blocks.find((code) => code.includes('dgx-chat-gateway/client'));
  if (example === undefined) throw new Error('the README has no example of the client');
  expect(example).toContain("'http://127.0.0.1:3000'");
  const path = join(project, 'example.mjs');
  writeFileSync(path, example.replace('http://127.0.0.1:3000', gateway.url));
  const child = Bun.spawn([runtime, path], {
    cwd: project,
    env: { PATH: process.env['PATH'], BEARER: TOKEN },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let shown = '';
  return {
    /** Reads on until this much has been shown. */
    async until(text: string): Promise<void> {
      while (!shown.endsWith(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`it ended after ${JSON.stringify(shown)}: ${await errors()}`);
        shown += decoder.decode(value, { stream: true });
      }
    },
    async end() {
      for (let next = await reader.read(); !next.done; next = await reader.read())
        shown += decoder.decode(next.value, { stream: true });
      return { code: await child.exited, shown, errors: await errors() };
    },
  };
  function errors(): Promise<string> {
    return new Response(child.stderr).text();
  }
}

async function say(call: UpstreamCall, ...words: string[]): Promise<void> {
  for (const content of words) await call.send(sse(chunk({ content })));
}

for (const runtime of [process.execPath, 'node']) {
  const where = runtime === 'node' ? 'node' : 'bun';
  test.skipIf(Bun.which(runtime) === null)(
    `the example prints the whole answer (${where})`,
    async () => {
      const example = runExample(runtime);
      const call = await upstream.nextCall();
      await beginSse(call);
      await say(call, 'once ', 'upon ', 'a time');
      await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
      expect(await example.end()).toEqual({ code: 0, shown: 'once upon a time', errors: '' });
    },
  );

  test.skipIf(Bun.which(runtime) === null)(
    `the example survives kill -9 in mid-answer: a typed failure, and all that was shown (${where})`,
    async () => {
      for (let round = 0; round < 3; round++) {
        const example = runExample(runtime);
        const call = await upstream.nextCall();
        await beginSse(call);
        const words = Array.from({ length: 1 + round * 4 }, (_, index) => `word ${index} `);
        await say(call, ...words);
        const text = words.join('');
        await example.until(text);
        await restart();
        const { code, shown, errors } = await example.end();
        expect({ code, shown }).toEqual({ code: 1, shown: text });
        expect(errors).toStartWith(`upstream_interrupted after ${text.length} characters: `);
      }
      expect(rows(gateway, 'SELECT status FROM turn WHERE ended_at IS NULL')).toEqual([]);
    },
    30_000,
  );
}

test('an answer that became complete while nobody listened is shown whole after a kill', async () => {
  const client = createChatClient({ baseUrl: gateway.url, token: TOKEN });
  const turn = client.send({ model: 'llama-4-scout', message: 'Tell me a story.' });
  const asked = upstream.nextCall().then(async (call) => {
    await beginSse(call);
    await say(call, 'once ');
    return call;
  });
  for await (const piece of turn) {
    expect(piece).toBe('once ');
    break;
  }
  const call = await asked;
  await say(call, 'upon ', 'a time');
  await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
  await gateway.stdout.until(new RegExp(`turn finished.*${turn.id}|${turn.id}.*turn finished`));
  await restart();
  let rest = '';
  for await (const piece of turn) rest += piece;
  expect(rest).toBe('upon a time');
  expect(turn.text).toBe('once upon a time');
}, 30_000);
