// The connect limit, at a server that is there and takes no connection: its process is stopped and its queue is full.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { outcomeOf } from '../../test/harness/replay.ts';
import { systemClock } from '../domain/clock.ts';
import { createDeadlines } from '../domain/deadlines.ts';
import { createOpenAiProvider } from './openai.ts';
import type { Provider } from './provider.ts';
import { createUpstreamClient } from './upstream.ts';

/** More than any backlog that Bun or Linux has by default. */
const MOST_WAITING = 5_000;

// How a full queue is treated is the kernel's business; Linux drops what comes in.
const onLinux = test.skipIf(process.platform !== 'linux');

let server: Bun.Subprocess<'ignore', 'pipe', 'inherit'>;
let port = 0;
const waiting: Socket[] = [];

beforeAll(async () => {
  const script = `const { createServer } = require('node:net');
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  server = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  const { value } = await server.stdout.getReader().read();
  port = Number(new TextDecoder().decode(value));
  server.kill('SIGSTOP');
  if (process.platform === 'linux') await fillQueue();
});
afterAll(async () => {
  for (const socket of waiting) socket.destroy();
  server.kill('SIGKILL');
  await server.exited;
});

onLinux(
  'a server that takes no connection is upstream_timeout, named after the connect limit',
  async () => {
    const started = performance.now();
    const { error } = await ask(provider());
    expect(error).toMatchObject({
      code: 'upstream_timeout',
      message:
        'The upstream "fake" did not accept a connection within its connect timeout of 300 ms. Try again.',
    });
    expect(performance.now() - started).toBeGreaterThan(250);
  },
);

function provider(): Provider {
  const client = createUpstreamClient({ deadlines: createDeadlines(systemClock) });
  const real = createOpenAiProvider(client);
  return {
    ask: (target, call, signal) =>
      real.ask({ ...target, timeouts: { ...target.timeouts, connectMs: 300 } }, call, signal),
  };
}

function ask(asked: Provider) {
  return outcomeOf(asked, { stream: true, baseUrl: `http://127.0.0.1:${port}/v1` });
}

/** Connects until the kernel lets nobody in any more. */
async function fillQueue(): Promise<void> {
  while (waiting.length < MOST_WAITING) {
    const socket = connect({ port, host: '127.0.0.1' });
    waiting.push(socket);
    const isIn = await Promise.race([
      new Promise<true>((resolve) => socket.once('connect', () => resolve(true))),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 250)),
    ]);
    if (!isIn) return;
  }
}
