// What the gateway learns of a real llama.cpp server, and that it does not disturb it: run by `npm run test:engine`.
import { afterEach, expect, test } from 'bun:test';
import { look, watchFake } from '../harness/fake-engine.ts';
import { startLlamaServer, type LlamaServer } from './llama-server.ts';

let server: LlamaServer;
afterEach(() => server.stop());

const watch = () => watchFake({ root: server.url }, 'llama.cpp');

async function say(text: string): Promise<void> {
  const messages = [{ role: 'user', content: text }];
  const body = JSON.stringify({ messages, max_tokens: 8 });
  const response = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body });
  if (!response.ok) throw new Error(await response.text());
}

test('a server with --metrics tells its context, its load and how its cache does', async () => {
  server = await startLlamaServer('--metrics');
  const watched = watch();
  expect((await look(watched)).insight).toMatchObject({
    runningRequests: 0,
    waitingRequests: 0,
    kvCacheUsage: null,
    prefixHitRatio: null,
    contextTokens: new Map([['tiny', 4096]]),
    loadedModels: ['tiny'],
    engineVersion: expect.stringMatching(/\w/) as string,
  });
  await say('hello '.repeat(20));
  await say('hello '.repeat(20));
  const { fault, insight } = await look(watched);
  expect(fault).toBeNull();
  // All but the last token of the second prompt came from the cache, and nothing of the first.
  expect(insight?.prefixHitRatio).toBeWithin(0.4, 0.5);
  expect(insight?.prefixHitRatioRecent).toBeWithin(0.4, 0.5);
  expect(insight?.kvCacheUsage).toBeWithin(0.01, 0.1);
});

test('a server as it comes tells its context, and is well', async () => {
  server = await startLlamaServer();
  const { fault, insight } = await look(watch());
  expect(fault).toBeNull();
  expect(insight?.contextTokens).toEqual(new Map([['tiny', 4096]]));
});

test('a server that wants another key is reachable, and not well', async () => {
  server = await startLlamaServer('--api-key', 'another');
  expect(await look(watch())).toMatchObject({
    fault: { problem: 'refused the key (HTTP 401)' },
    reachable: true,
  });
});

test('a server that may sleep falls asleep under probes, and sleeps on', async () => {
  server = await startLlamaServer('--metrics', '--sleep-idle-seconds', '2');
  await say('hello');
  const watched = watch();
  const isAsleep = async () => (await look(watched)).insight?.loadedModels?.length === 0;
  while (!(await isAsleep())) await Bun.sleep(200);
  for (let probe = 0; probe < 10; probe++) {
    expect(await isAsleep()).toBe(true);
    await Bun.sleep(100);
  }
  expect(await look(watched)).toMatchObject({
    fault: null,
    insight: { contextTokens: new Map([['tiny', 4096]]) },
  });
}, 30_000);
