// What is served without configured upstreams: models of the engines found here, else the demo engine.

import { describe, expect, test } from 'bun:test';
import type { Engine } from './discover.ts';
import { loadConfig } from './load.ts';
import { demoConfig, withDiscovered } from './stand-ins.ts';

function load(yaml = '', env: Record<string, string> = {}) {
  return loadConfig({ env, cwd: '/w', readFile: () => yaml }).config;
}

function engine(kind: Engine['kind'], ...models: string[]): Engine {
  const name = kind.replace('.', '-');
  return { kind, name, base_url: `http://127.0.0.1:1/${name}/v1`, models, context_windows: {} };
}

describe('discovered engines', () => {
  test('answer for the aliases whose names their models contain, and for each model under its own name', () => {
    const config = withDiscovered(load(), [
      engine('vllm', 'nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4'),
      engine('ollama', 'llama4:scout', 'qwen3-vl:30b-a3b-thinking', 'phi5:latest'),
    ]);
    expect(config.upstreams['ollama']).toMatchObject({ kind: 'ollama', headers: {} });
    expect(config.models['llama-4-scout']).toMatchObject({
      family: 'llama',
      targets: [
        { upstream: 'vllm', model: 'nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4' },
        { upstream: 'ollama', model: 'llama4:scout' },
      ],
    });
    expect(config.models['qwen3-vl-30b-thinking']?.targets).toHaveLength(1);
    expect(config.models['qwen3-vl-30b-instruct']).toBeUndefined();
    expect(config.models['phi5:latest']?.targets).toEqual([
      { upstream: 'ollama', model: 'phi5:latest' },
    ]);
    expect(Object.keys(config.unserved_models)).toContain('flagship');
    expect(Object.isFrozen(config.models)).toBe(true);
  });

  test('are not taken for a model whose name only looks alike', () => {
    const config = withDiscovered(load(), [
      engine('ollama', 'mistral-small:24b', 'gemma-4-310b', 'llama-4-maverick'),
    ]);
    expect(Object.keys(config.models)).toEqual([
      'mistral-small:24b',
      'gemma-4-310b',
      'llama-4-maverick',
    ]);
  });

  test('serve an alias under its own name when that is what they call the model', () => {
    const config = withDiscovered(load(), [engine('vllm', 'llama-4-scout-fp8', 'llama-4-scout')]);
    expect(config.models['llama-4-scout']?.targets).toEqual([
      { upstream: 'vllm', model: 'llama-4-scout' },
    ]);
    expect(config.models['llama-4-scout']?.context_window).toBe(10_000_000);
  });

  test('share a model that several of them serve, and say how much it can read', () => {
    const vllm = { ...engine('vllm', 'm'), context_windows: { m: 4096 } };
    const config = withDiscovered(load(), [vllm, engine('ollama', 'm')]);
    expect(config.models['m']?.targets.map(({ upstream }) => upstream)).toEqual(['vllm', 'ollama']);
    expect(config.models['m']?.context_window).toBe(4096);
  });

  test('come before OpenRouter, also in the chains', () => {
    const base = load('models: { both: { chain: [llama-4-scout] } }', { OPENROUTER_API_KEY: 'k' });
    const config = withDiscovered(base, [engine('ollama', 'llama4:scout')]);
    for (const alias of ['llama-4-scout', 'both']) {
      const upstreams = config.models[alias]?.targets.map(({ upstream }) => upstream);
      expect(upstreams).toEqual(['ollama', 'openrouter']);
    }
    expect(Object.keys(config.unserved_models)).toEqual([]);
  });

  test('do not bring back an alias that the operator took away', () => {
    const config = withDiscovered(load('models: { llama-4-scout: null }'), [
      engine('vllm', 'llama-4-scout'),
    ]);
    expect(config.models).toEqual({});
  });

  test('add no names of their own where the operator wrote the whole catalogue', () => {
    const config = withDiscovered(load('catalogue: replace'), [engine('vllm', 'm')]);
    expect(config.models).toEqual({});
  });

  test('that were not found change nothing', () => {
    expect(withDiscovered(load(), [])).toEqual(load());
  });
});

test('the demo engine answers for every alias of the catalogue, which keeps its metadata', () => {
  const config = demoConfig(load('models: { gpt-image: null }'), 'http://127.0.0.1:5/v1/');
  expect(config.upstreams).toMatchObject({
    demo: { kind: 'openai', base_url: 'http://127.0.0.1:5/v1' },
  });
  expect(Object.keys(config.models)).toHaveLength(12);
  expect(config.models['flagship']).toMatchObject({
    min_max_tokens: 200,
    targets: [{ upstream: 'demo', model: 'flagship' }],
  });
  expect(config.unserved_models).toEqual({});
  expect(Object.isFrozen(config.models['flagship'])).toBe(true);
});
