// Addresses that paths can be appended to, and time limits by the class of the model.

import { expect, test } from 'bun:test';
import { loadConfig } from './load.ts';
import { isNativeOllama, timeoutsFor, toUpstream } from './upstreams.ts';

const { config } = loadConfig({
  env: {},
  cwd: '/w',
  readFile: () => `
upstreams:
  spark: { kind: vllm, base_url: "http://h/v1", timeouts: { idle_ms: 7 } }
  ollama: { kind: ollama, base_url: "http://h" }
  openrouter: { kind: openrouter }`,
});

function limits(upstream: string, alias: string) {
  const [server, model] = [config.upstreams[upstream], config.models[alias]];
  if (server === undefined || model === undefined) throw new Error('not configured');
  return timeoutsFor(server, model);
}

test('an Ollama is asked over its own API, unless its address says /v1, and nothing ends with a slash', () => {
  const addressOf = (kind: 'ollama' | 'openai', base_url: string) => {
    const limits = { timeouts: { connect_ms: 1 }, max_queued: 1, queue_ms: 1 };
    const upstream = toUpstream({ kind, base_url, headers: {}, ...limits });
    return [upstream.base_url, isNativeOllama(upstream)];
  };
  expect(addressOf('ollama', 'http://h:1/')).toEqual(['http://h:1', true]);
  expect(addressOf('ollama', 'http://h/v1/')).toEqual(['http://h/v1', false]);
  expect(addressOf('openai', 'http://h/api//')).toEqual(['http://h/api', false]);
});

test('a chat model has the ordinary time limits', () => {
  expect(limits('ollama', 'llama-4-scout')).toEqual({
    connectMs: 5000,
    firstByteMs: 120_000,
    idleMs: 60_000,
    totalMs: 600_000,
  });
});

test('image and reasoning models, configurable ones included, have the long ones', () => {
  const long = { connectMs: 5000, firstByteMs: 600_000, idleMs: 600_000, totalMs: 1_800_000 };
  for (const alias of ['nano-banana', 'gpt-image', 'image-gen']) {
    expect(limits('openrouter', alias)).toEqual(long);
  }
  expect(limits('openrouter', 'flagship')).toEqual(long);
  expect(limits('openrouter', 'mistral-small-4')).toEqual(long);
});

test("an upstream's own time limit wins over that of the class", () => {
  expect(limits('spark', 'gpt-5.5-pro')).toMatchObject({ idleMs: 7, firstByteMs: 600_000 });
});
