// Canaries: every secret and every word of a conversation is one of a kind, goes the ways that such things go, and is
// then looked for wherever a gateway writes or tells: its log at every level, its figures, its replies to others, and
// its files.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { foundIn, KINDS, keyOf, MODEL, SECRETS, TOKEN, WORDS } from './canaries/canaries.ts';
import { converse, failUpstream, misbehave } from './canaries/scenes.ts';
import { startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startFakeCollector, type FakeCollector } from './harness/fake-collector.ts';
import { spawnGateway, type GatewayProcess, type TestRequest } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: GatewayProcess;
let collector: FakeCollector;
/** Every reply, with its headers. */
const replies: { readonly path: string; readonly text: string }[] = [];

beforeAll(async () => {
  upstream = await startFakeUpstream();
  collector = startFakeCollector();
  gateway = await spawnGateway({
    yaml: config(upstream.url),
    env: { RUST_API_BEARER: TOKEN },
  });
  const scene = { upstream, send };
  await converse(scene);
  await misbehave(scene);
  await failUpstream(scene);
}, 120_000);
afterAll(async () => {
  await gateway.kill();
  await upstream.close();
  await collector.close();
  rmSync(gateway.directory, { recursive: true, force: true });
});
function config(url: string): string {
  return `
catalogue: replace
log: { level: trace }
traces: { endpoint: "${collector.url}", headers: { x-collector: "${SECRETS['header of the collector']}" } }
routing: { retries: 0 }
upstreams:
${KINDS.map((kind) => `  ${kind}: { kind: ${kind}, base_url: "${url}", api_key: ${keyOf(kind)}, headers: { x-extra: "${SECRETS['header of an upstream']}" } }`).join('\n')}
models:
${KINDS.map((kind) => `  ${kind}: { modalities: { input: [text, image] }, targets: [{ upstream: ${kind}, model: m }] }`).join('\n')}
`;
}

async function send(path: string, { headers, ...init }: TestRequest = {}): Promise<string> {
  const response = await gateway.request(path, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
  });
  const text = await response.text();
  replies.push({
    path,
    text: `${response.status} ${JSON.stringify([...response.headers])} ${text}`,
  });
  return text;
}

function written(): string {
  return gateway.stdout.text() + gateway.stderr.text();
}

test('the canaries have gone their ways: keys to their upstreams, words into conversations', async () => {
  expect(replies.length).toBeGreaterThan(150);
  expect(foundIn(replies.map(({ text }) => text).join(), WORDS)).toContain('answer');
  expect(await gateway.stdout.until(/"status":302|redirect|answered HTTP 302/)).toContain(
    '"level":',
  );
});

describe('no secret is', () => {
  test('in any reply, whatever failed', () => {
    const told = replies.flatMap(({ path, text }) =>
      foundIn(text, SECRETS).map((name) => `${name} at ${path}: ${text.slice(0, 300)}`),
    );
    expect(told).toEqual([]);
  });

  test('in what the process writes', () => {
    expect(foundIn(written(), SECRETS)).toEqual([]);
  });

  test('in a file of its own, the database among them', () => {
    const found = readdirSync(gateway.directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name !== 'gateway.yaml')
      .flatMap((name) =>
        foundIn(readFileSync(join(gateway.directory, name), 'latin1'), SECRETS).map(
          (what) => `${what} in ${name}`,
        ),
      );
    expect(found).toEqual([]);
  });

  test('where the gateway tells of itself', async () => {
    for (const path of [
      '/metrics',
      '/v1/info',
      '/v1/models',
      '/readyz',
      '/healthz',
      '/errors',
      '/dashboard/data',
      '/openapi.json',
      '/',
    ])
      expect([path, foundIn(await send(path), { ...SECRETS, ...WORDS })]).toEqual([path, []]);
  });
});

describe('no word of a conversation is', () => {
  test('in what the process writes, at any level', () => {
    const lines = written()
      .split('\n')
      .flatMap((line) => foundIn(line, WORDS).map((name) => `${name}: ${line}`));
    expect(lines).toEqual([]);
    expect(written()).toContain('canary-model');
    expect(written()).not.toContain(MODEL);
  });

  test('in a trace, and no secret either', async () => {
    await collector.span(({ name }) => name.includes('/c1/chat'));
    const all = { ...SECRETS, ...WORDS };
    const told = collector.bodies.flatMap((body) => foundIn(body, all));
    expect([...new Set(told)]).toEqual([]);
  });

  test('told to anybody else', async () => {
    const others = [
      '/c1/conversations',
      '/c1/conversations?user_id=somebody',
      '/v1/info',
      '/dashboard/data',
    ];
    // The conversations whose turns failed are no end user's, and their titles are prompts.
    for (const path of others)
      expect([path, foundIn(await send(path), { ...WORDS, prompt: WORDS.answer })]).toEqual([
        path,
        [],
      ]);
  });
});
