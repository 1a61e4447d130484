// Mistakes in a configuration: all are reported at once, each with its place, and none is ever half accepted.

import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { loadConfig, type ConfigSources } from './load.ts';
import { ConfigError } from './problems.ts';

/** The lines of the error that loading throws; none where it succeeds. */
function problemsOf(yaml = '', sources: Pick<ConfigSources, 'env' | 'argv'> = {}): string[] {
  const readFile = (path: string) => {
    if (path === '/w/gateway.yaml') return yaml;
    throw Object.assign(new Error('absent'), { code: 'ENOENT' });
  };
  try {
    loadConfig({ env: {}, cwd: '/w', ...sources, readFile });
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('mistakes', () => {
  test('the address of one Azure deployment is refused, and the right one told', () => {
    const yaml =
      'upstreams: { a: { kind: azure, base_url: "https://n.openai.azure.com/openai/deployments/d" } }';
    expect(problemsOf(yaml)).toEqual([
      'upstreams.a.base_url: is an address of a single deployment; use https://NAME.openai.azure.com/openai/v1, with the deployment as the model of a target',
    ]);
  });

  test('what works over the native API of an Ollama alone is refused elsewhere', () => {
    const yaml = `
catalogue: replace
upstreams:
  spark: { kind: vllm, base_url: "http://h/v1", keep_alive: 30m }
  compatible: { kind: ollama, base_url: "http://h/v1/", keep_alive: 30m }
  native: { kind: ollama, base_url: "http://h", keep_alive: -1 }
  hasty: { kind: ollama, base_url: "http://h", keep_alive: soon }
models:
  mine:
    targets:
      - { upstream: spark, model: m, num_ctx: 8192 }
      - { upstream: compatible, model: m, num_ctx: 8192 }
      - { upstream: native, model: m, num_ctx: 8192 }
`;
    const only = "works over Ollama's own API only: it needs an upstream of kind ollama";
    expect(problemsOf(yaml).toSorted()).toEqual([
      `models.mine.targets[0].num_ctx: ${only}`,
      `models.mine.targets[1].num_ctx: ${only}, and its base_url without /v1`,
      `upstreams.compatible.keep_alive: ${only}, and its base_url without /v1`,
      'upstreams.hasty.keep_alive: expected a duration such as 30m, or whole seconds, got "soon"',
      `upstreams.spark.keep_alive: ${only}`,
    ]);
  });

  test('all of them are reported at once, each with its path and the nearest right name', () => {
    const yaml = `
servr: { port: 1 }
server: { prot: 1 }
storage: { url: "postgres://u:secret@h/db", durability: ful }
limits: 5
upstreams:
  spark: { kind: vlm, bas_url: "http://x" }
  far: { kind: openai, base_url: "ftp://u:secret@x" }
  two words: { kind: openai }
models:
  gpt-5.5-pro: { targets: [{ upstream: sparc, model: m }, { upstream: far }] }
  llama-4-scot: { license: MIT }
  gpt-imag: null
  mine: { chain: [flagshp] }
`;
    expect(problemsOf(yaml).toSorted()).toEqual(
      [
        'servr: unknown key; did you mean server?',
        'server.prot: unknown key; did you mean port?',
        'storage.url: PostgreSQL is not supported yet; use sqlite:',
        'storage.durability: expected one of full, normal, got "ful"; did you mean full?',
        'limits: expected a mapping, got 5',
        'upstreams.spark.kind: expected one of openai, vllm, llama.cpp, ollama, lmstudio, sglang, openrouter, anthropic, gemini, azure, got "vlm"; did you mean vllm?',
        'upstreams.spark.bas_url: unknown key; did you mean base_url?',
        'upstreams.spark.base_url: is missing',
        'upstreams.far.base_url: expected an http or https URL, got "ftp://***@x"',
        'upstreams."two words": is not a usable name',
        'models."gpt-5.5-pro".targets[0].upstream: no upstream is called "sparc"; did you mean spark?',
        'models."gpt-5.5-pro".targets[1].model: is missing',
        'models.llama-4-scot: needs targets or a chain; did you mean llama-4-scout?',
        'models.gpt-imag: there is no such alias to take away; did you mean gpt-image?',
        'models.mine.chain[0]: no alias is called "flagshp"; did you mean flagship?',
      ].toSorted(),
    );
  });

  test('a value from a variable or a flag is reported under the name that was used', () => {
    const env = {
      PORT: 'abc',
      GATEWAY__SERVER__DRAIN_SM: '5',
      GATEWAY__NOPE: '1',
      LOG_LEVEL: 'inf',
    };
    const argv = ['--set', 'limits.burst=1.5', '--prt', '4', '--host='];
    expect(problemsOf(undefined, { env, argv }).toSorted()).toEqual(
      [
        '--prt: unknown flag; did you mean --port?',
        '--host: needs a value',
        'server.port (from PORT): expected a whole number from 0 to 65535, got "abc"',
        'server.drain_sm (from GATEWAY__SERVER__DRAIN_SM): unknown key; did you mean drain_ms?',
        'nope (from GATEWAY__NOPE): unknown key',
        'log.level (from LOG_LEVEL): expected one of fatal, error, warn, info, debug, trace, silent, got "inf"; did you mean info?',
        'limits.burst (from --set limits.burst): expected a whole number from 1 to 1000000, got "1.5"',
      ].toSorted(),
    );
  });

  test('an empty token is a mistake and not a gateway without one', () => {
    expect(problemsOf(undefined, { env: { RUST_API_BEARER: '' } })).toEqual([
      'auth.bearer: environment variable RUST_API_BEARER is empty; give it a value or unset it',
    ]);
    expect(problemsOf('auth: { bearer: "" }').join()).toContain('auth.bearer: is empty');
    expect(problemsOf('auth: { bearer: "a b" }').join()).toContain('auth.bearer: has a space');
  });

  test('keys that would reach into every object are refused and never merged', () => {
    const yaml =
      '__proto__: { port: 1 }\nmodels: { __proto__: { family: x }, llama-4-scout: { constructor: {} } }';
    expect(problemsOf(yaml)).toEqual([
      '__proto__: unknown key',
      'models.__proto__: unknown key',
      'models.llama-4-scout.constructor: unknown key',
    ]);
    expect(problemsOf(undefined, { argv: ['--set', '__proto__.polluted=1'] })).toHaveLength(1);
    expect(problemsOf(undefined, { argv: ['--set', 'server={__proto__: {polluted: 1}}'] })).toEqual(
      ['server.__proto__: unknown key'],
    );
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test('an anchor that contains itself ends in a message', () => {
    expect(problemsOf('models: &m { a: *m }').join()).toContain('nested too deeply');
  });

  test('a base address that nothing can be appended to is refused', () => {
    const yaml = 'upstreams: { o: { kind: openai, base_url: "https://h/v1?key=1" } }';
    expect(problemsOf(yaml)[0]).toStartWith('upstreams.o.base_url: has a query');
  });

  test('whatever the file says, loading ends in a configuration or in a ConfigError', () => {
    const leaf = fc.oneof(
      fc.constantFrom(null, true, 0, -1, 'x', 'env:X', 'file:x', '', [], {}),
      fc.string(),
    );
    const key = fc.constantFrom(
      'server',
      'port',
      'models',
      'upstreams',
      'a',
      'targets',
      'chain',
      'kind',
    );
    const level = (below: fc.Arbitrary<unknown>) =>
      fc.oneof(leaf, fc.array(below, { maxLength: 2 }), fc.dictionary(key, below, { maxKeys: 4 }));
    const settings = fc.dictionary(key, level(level(level(leaf))), { maxKeys: 5 });
    fc.assert(
      fc.property(settings, (value) => {
        problemsOf(JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
  });
});
