// The default catalogue says what the contract says, and what an operator writes about models changes it as documented.

import { describe, expect, test } from 'bun:test';
import { loadConfig } from './load.ts';
import { ConfigError } from './problems.ts';

function load(yaml: string, env: Record<string, string> = {}) {
  return loadConfig({ env, cwd: '/w', readFile: () => yaml });
}

function messageOf(yaml: string): string {
  try {
    load(yaml);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

const SPARK = 'upstreams: { spark: { kind: vllm, base_url: "http://h/v1" } }\n';

/** Section 7 of the contract: context, tools, vision, reasoning, floor, seconds. */
const TABLE: Record<string, readonly unknown[]> = {
  'llama-4-scout': [10_000_000, true, true, false, undefined, 8],
  'mistral-small-4': [262_144, true, true, 'configurable', undefined, 5],
  'qwen3-vl-30b-thinking': [131_072, true, true, true, undefined, 12],
  'qwen3-vl-30b-instruct': [131_072, true, true, false, undefined, 5],
  'gemma-4-31b': [262_144, true, true, false, undefined, 5],
  flagship: [1_050_000, true, true, true, 200, 8],
  'gpt-5.5-pro': [1_050_000, true, true, true, 200, 8],
  'claude-opus-4.7': [1_000_000, true, true, true, undefined, 5],
  'gemini-3.1-pro': [1_050_000, true, true, true, 200, 5],
  'grok-4.20': [2_000_000, true, true, true, undefined, 3],
  'nano-banana': [65_536, false, true, false, undefined, 15],
  'gpt-image': [272_000, false, true, false, 16, 150],
  'image-gen': [65_536, false, true, false, undefined, 15],
};

describe('the default catalogue', () => {
  const { config } = load('', { OPENROUTER_API_KEY: 'k' });

  test('has the thirteen aliases with the metadata of the contract', () => {
    const actual = Object.entries(config.models).map(([alias, model]) => {
      const { tools, vision, reasoning } = model.capabilities;
      const { context_window, min_max_tokens, typical_response_seconds } = model;
      return [
        alias,
        [context_window, tools, vision, reasoning, min_max_tokens, typical_response_seconds],
      ];
    });
    expect(Object.fromEntries(actual)).toEqual(TABLE);
  });

  test('says which aliases make images and which hear and watch', () => {
    const makers = Object.entries(config.models)
      .filter(([, model]) => model.capabilities.image_generation)
      .map(([alias]) => alias);
    expect(makers.toSorted()).toEqual(['gpt-image', 'image-gen', 'nano-banana']);
    expect(config.models['gemini-3.1-pro']?.modalities.input).toContain('video');
    expect(config.models['nano-banana']?.modalities.output).toContain('image');
  });

  test('expands a composite into the targets of its members in order', () => {
    expect(config.models['flagship']?.targets.map(({ model }) => model)).toEqual([
      'openai/gpt-5.5-pro',
      'anthropic/claude-opus-4.7',
      'google/gemini-3.1-pro-preview',
      'x-ai/grok-4.20',
    ]);
    expect(config.models['image-gen']?.targets).toHaveLength(2);
  });

  test('drops its targets on upstreams that are not configured, and says who is left unserved', () => {
    const { config: local, unserved } = load(SPARK);
    expect(Object.keys(local.models)).toEqual(['llama-4-scout']);
    expect(local.models['llama-4-scout']?.targets).toHaveLength(1);
    expect(unserved).toHaveLength(12);
    expect(unserved).toContain('flagship');
    expect(local.unserved_models['flagship']?.min_max_tokens).toBe(200);
  });
});

describe('models of the operator', () => {
  test('override a default alias member by member', () => {
    const { config } = load(
      `${SPARK}models: { llama-4-scout: { context_window: 5, capabilities: { tools: false } } }`,
    );
    expect(config.models['llama-4-scout']).toMatchObject({
      family: 'llama',
      context_window: 5,
      capabilities: { tools: false, vision: true },
    });
  });

  test('replace the targets or the chain of a default alias whole', () => {
    const { config } = load(
      `${SPARK}models:\n  flagship: { targets: [{ upstream: spark, model: a }] }\n  llama-4-scout: { chain: [flagship] }`,
    );
    expect(config.models['flagship']?.targets).toEqual([{ upstream: 'spark', model: 'a' }]);
    expect(config.models['flagship']?.chain).toBeUndefined();
    expect(config.models['llama-4-scout']?.targets).toEqual([{ upstream: 'spark', model: 'a' }]);
  });

  test('need to say nothing but who answers', () => {
    const { config } = load(
      `${SPARK}models: { mine: { targets: [{ upstream: spark, model: a }] } }`,
    );
    expect(config.models['mine']).toEqual({
      family: 'custom',
      license: 'unknown',
      context_window: 131_072,
      modalities: { input: ['text'], output: ['text'] },
      capabilities: {
        tools: true,
        vision: false,
        reasoning: false,
        json_mode: true,
        image_generation: false,
      },
      targets: [{ upstream: 'spark', model: 'a' }],
    });
  });

  test('say once that they see or make images', () => {
    const model = (members: string) =>
      load(`${SPARK}models: { m: { ${members}, targets: [{ upstream: spark, model: a }] } }`).config
        .models['m'];
    expect(model('capabilities: { vision: true }')?.modalities.input).toEqual(['text', 'image']);
    expect(model('modalities: { input: [text, image] }')?.capabilities.vision).toBe(true);
    expect(model('capabilities: { image_generation: true }')?.modalities.output).toEqual([
      'text',
      'image',
    ]);
  });

  test('take a default alias away with null or enabled: false, from chains too', () => {
    const { config, unserved } = load(
      'models: { gpt-5.5-pro: null, grok-4.20: { enabled: false } }',
      {
        OPENROUTER_API_KEY: 'k',
      },
    );
    expect(config.disabled_models).toEqual(['gpt-5.5-pro', 'grok-4.20']);
    expect(config.models['gpt-5.5-pro']).toBeUndefined();
    expect(unserved).toEqual([]);
    expect(config.models['flagship']?.targets).toHaveLength(2);
  });

  test('stand alone with catalogue: replace', () => {
    const { config, unserved } = load(
      `${SPARK}catalogue: replace\nmodels: { m: { targets: [{ upstream: spark, model: a, weight: 2 }] } }`,
    );
    expect(Object.keys(config.models)).toEqual(['m']);
    expect(unserved).toEqual([]);
    expect(config.models['m']?.targets[0]?.weight).toBe(2);
  });

  test('may chain composites, and each target is tried once', () => {
    const { config } = load(
      `${SPARK}models:
  a: { targets: [{ upstream: spark, model: a }] }
  b: { targets: [{ upstream: spark, model: b }] }
  ab: { chain: [a, b] }
  all: { chain: [b, ab, a] }`,
    );
    expect(config.models['all']?.targets.map(({ model }) => model)).toEqual(['b', 'a']);
  });

  test('are refused when a chain goes round in a circle, once per circle', () => {
    expect(messageOf('models: { a: { chain: [b] }, b: { chain: [c] }, c: { chain: [b] } }')).toBe(
      'models.b.chain: goes round in a circle: b -> c -> b',
    );
    expect(messageOf('models: { a: { chain: [a] } }')).toBe(
      'models.a.chain: goes round in a circle: a -> a',
    );
  });

  test('are refused when a chain names an alias that was taken away', () => {
    expect(messageOf('models: { grok-4.20: null, a: { chain: [grok-4.20] } }')).toBe(
      'models.a.chain[0]: the alias "grok-4.20" is disabled',
    );
  });

  test('are refused with both targets and a chain, or with an empty list of them', () => {
    const both = `${SPARK}models: { a: { targets: [{ upstream: spark, model: a }], chain: [flagship] } }`;
    expect(messageOf(both)).toContain('models.a: has both targets and a chain');
    expect(messageOf('models: { a: { targets: [] } }')).toContain(
      'models.a.targets: needs at least one',
    );
  });
});
