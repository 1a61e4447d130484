// Loading: what comes out, which source wins, and what references stand for. Mistakes are in problems.test.ts.

import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, type ConfigSources } from './load.ts';
import { NAMED_VARIABLES } from './overrides.ts';
import { ConfigError } from './problems.ts';

/** Loads with gateway.yaml as given (none where undefined) and nothing else unless stated. */
function load(yaml?: string, sources: Omit<ConfigSources, 'readFile'> = {}, files = {}) {
  const all: Record<string, string> = {
    ...files,
    ...(yaml !== undefined && { '/w/gateway.yaml': yaml }),
  };
  const readFile = (path: string) => {
    const text = all[path];
    if (text === undefined) throw Object.assign(new Error('absent'), { code: 'ENOENT' });
    return text;
  };
  return loadConfig({ env: {}, cwd: '/w', ...sources, readFile });
}

/** The lines of the error that loading throws. */
function problemsOf(
  yaml?: string,
  sources: Omit<ConfigSources, 'readFile'> = {},
  files = {},
): string[] {
  try {
    load(yaml, sources, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

const EXAMPLE = `
server:    { host: 127.0.0.1, port: 3000 }          # HOST, PORT
auth:      { bearer: env:RUST_API_BEARER }
storage:   { url: sqlite:./data/gateway.db }        # DATABASE_URL; postgres://… for several gateways
limits:    { rate_per_second: 10, burst: 60, max_body_bytes: 33554432 }
upstreams:
  spark:      { kind: vllm,       base_url: http://127.0.0.1:8000/v1 }
  ollama:     { kind: ollama,     base_url: http://127.0.0.1:11434 }
  openrouter: { kind: openrouter, api_key: env:OPENROUTER_API_KEY }
models:
  llama-4-scout:
    targets:
      - { upstream: spark,      model: nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4 }
      - { upstream: ollama,     model: llama4:scout }
      - { upstream: openrouter, model: meta-llama/llama-4-scout }
`;

const SPARK = 'upstreams: { spark: { kind: vllm, base_url: "http://127.0.0.1:8000/v1/" } }\n';

describe('what comes out', () => {
  test('the example of the contract loads as it is written', () => {
    const env = { RUST_API_BEARER: 'token', OPENROUTER_API_KEY: 'sk-or' };
    const { config, source, unserved, discover } = load(EXAMPLE, { env });
    expect(source).toBe('/w/gateway.yaml');
    expect(discover).toBe(false);
    expect(unserved).toEqual([]);
    expect(config.auth.bearer).toBe('token');
    expect(config.upstreams['ollama']?.base_url).toBe('http://127.0.0.1:11434');
    expect(config.upstreams['openrouter']?.base_url).toBe('https://openrouter.ai/api/v1');
    expect(config.upstreams['openrouter']?.api_key).toBe('sk-or');
    expect(config.models['llama-4-scout']?.targets.map(({ upstream }) => upstream)).toEqual([
      'spark',
      'ollama',
      'openrouter',
    ]);
    expect(config.models['llama-4-scout']?.context_window).toBe(10_000_000);
    expect(Object.keys(config.models)).toHaveLength(13);
  });

  test('without any source every setting has its default and no alias is served', () => {
    const { config, source, unserved, discover } = load();
    expect(source).toBeNull();
    expect(discover).toBe(true);
    expect(unserved).toHaveLength(13);
    expect(config).toMatchObject({
      server: { host: '127.0.0.1', port: 3000, drain_ms: 30_000, data_dir: './data' },
      auth: {},
      storage: { url: 'sqlite:./data/gateway.db', durability: 'full' },
      limits: { rate_per_second: 10, burst: 60, max_body_bytes: 33_554_432 },
      log: { level: 'info' },
      streams: { heartbeat_ms: 15_000 },
      health: { probe_interval_ms: 10_000, probe_timeout_ms: 2000 },
      upstreams: {},
      models: {},
    });
  });

  test('the database follows the data directory unless it has an address of its own', () => {
    expect(load('server: { data_dir: /var/lib/gw }').config.storage.url).toBe(
      'sqlite:/var/lib/gw/gateway.db',
    );
    const both = 'server: { data_dir: /var/lib/gw }\nstorage: { url: "sqlite:/x.db" }';
    expect(load(both).config.storage.url).toBe('sqlite:/x.db');
  });

  test('nothing in the configuration can be changed', () => {
    const { config } = load(SPARK);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.models['llama-4-scout']?.targets[0])).toBe(true);
    expect(Object.isFrozen(config.upstreams['spark']?.timeouts)).toBe(true);
  });

  test('a name that every object has is neither an alias nor an upstream', () => {
    const { config } = load(SPARK);
    for (const name of ['constructor', 'toString', '__proto__']) {
      expect(config.models[name]).toBeUndefined();
      expect(config.upstreams[name]).toBeUndefined();
    }
  });

  test('sections whose lines are all commented out count as absent', () => {
    expect(load('server:\n  # port: 1\nupstreams:\nmodels:\n').config.server.port).toBe(3000);
    expect(load('# nothing\n').config.server.port).toBe(3000);
  });
});

describe('which source wins', () => {
  test('flags win over the environment, and the environment over the file', () => {
    const yaml = 'server: { host: file, port: 1, drain_ms: 1 }';
    const env = { HOST: 'env', PORT: '2' };
    const { server } = load(yaml, { env, argv: ['--port', '3'] }).config;
    expect(server).toMatchObject({ host: 'env', port: 3, drain_ms: 1 });
  });

  test('every variable that the contract names sets its setting', () => {
    const env = {
      HOST: '::1',
      PORT: '0',
      DATABASE_URL: 'sqlite:x.db',
      RUST_API_BEARER: 'abc',
      RATE_LIMIT_PER_SECOND: '1',
      RATE_LIMIT_BURST: '2',
      MAX_BODY_BYTES: '4096',
      LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/t',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20eA==,x-percent=100%',
      OTEL_SERVICE_NAME: 'gw',
    };
    expect(Object.keys(env)).toEqual(Object.keys(NAMED_VARIABLES));
    expect(load(undefined, { env }).config).toMatchObject({
      server: { host: '::1', port: 0 },
      storage: { url: 'sqlite:x.db' },
      auth: { bearer: 'abc' },
      limits: { rate_per_second: 1, burst: 2, max_body_bytes: 4096 },
      log: { level: 'debug' },
      traces: {
        endpoint: 'http://c:4318',
        url: 'http://c:4318/t',
        headers: { authorization: 'Basic eA==', 'x-percent': '100%' },
        service_name: 'gw',
      },
    });
  });

  test('headers that cannot be read are refused without being shown', () => {
    for (const text of ['hunter2', 'a=hunter2%0A', 'bad name=hunter2', '=hunter2']) {
      const env = { OTEL_EXPORTER_OTLP_HEADERS: text };
      let told = '';
      try {
        load(undefined, { env });
      } catch (error) {
        told = String(error);
      }
      expect(told).toContain('(from OTEL_EXPORTER_OTLP_HEADERS)');
      expect(told).not.toContain('hunter2');
    }
  });

  test('any setting can come from a variable named by its path', () => {
    const env = {
      GATEWAY__SERVER__DRAIN_MS: '5',
      GATEWAY__UPSTREAMS__SPARK__API_KEY: 'env:KEY',
      GATEWAY__UPSTREAMS__SPARK__HEADERS__X_TITLE: 'gw',
      GATEWAY__MODELS__GPT_5_5_PRO__TARGETS: '[{ upstream: spark, model: m }]',
      GATEWAY__MODELS__GROK_4_20: 'null',
      KEY: 'k',
    };
    const { config } = load(SPARK, { env });
    expect(config.server.drain_ms).toBe(5);
    expect(config.upstreams['spark']).toMatchObject({ api_key: 'k', headers: { 'x-title': 'gw' } });
    expect(config.models['gpt-5.5-pro']?.targets).toEqual([{ upstream: 'spark', model: 'm' }]);
    expect(config.disabled_models).toEqual(['grok-4.20']);
  });

  test('an upstream can be given by variables alone', () => {
    const env = {
      GATEWAY__UPSTREAMS__BOX__KIND: 'ollama',
      GATEWAY__UPSTREAMS__BOX__BASE_URL: 'http://box:11434/',
    };
    const { config, discover } = load(undefined, { env });
    expect(discover).toBe(false);
    expect(config.upstreams['box']?.base_url).toBe('http://box:11434');
  });

  test('--set reaches any path, with or without quotes around a name with dots', () => {
    const set = (path: string) =>
      load(SPARK, {
        argv: [
          '--set',
          `${path}.targets=[{upstream: spark, model: m}]`,
          `--set=${path}.min_max_tokens=9`,
        ],
      }).config.models['gpt-5.5-pro'];
    expect(set('models.gpt-5.5-pro')).toMatchObject({
      min_max_tokens: 9,
      targets: [{ model: 'm' }],
    });
    expect(set('models."gpt-5.5-pro"')).toMatchObject({ min_max_tokens: 9 });
  });

  test('--config names the file, before GATEWAY_CONFIG, before gateway.yaml', () => {
    const files = { '/w/a.yaml': 'server: {port: 1}', '/b.yaml': 'server: {port: 2}' };
    const env = { GATEWAY_CONFIG: '/b.yaml' };
    const yaml = 'server: {port: 3}';
    expect(load(yaml, { env, argv: ['--config', 'a.yaml'] }, files).config.server.port).toBe(1);
    expect(load(yaml, { env }, files).config.server.port).toBe(2);
    expect(load(yaml, {}, files).config.server.port).toBe(3);
  });

  test('a named file that is missing is an error, and a gateway.yaml that is missing is none', () => {
    expect(problemsOf(undefined, { env: { GATEWAY_CONFIG: 'no.yaml' } })).toEqual([
      'GATEWAY_CONFIG: cannot read /w/no.yaml: no such file',
    ]);
    expect(problemsOf(undefined, { argv: ['--config', 'no.yaml'] })).toEqual([
      '--config: cannot read /w/no.yaml: no such file',
    ]);
  });

  test('a key for OpenRouter in the environment is enough for its models', () => {
    const { config, discover, unserved, notes } = load(undefined, {
      env: { OPENROUTER_API_KEY: 'k' },
    });
    expect(config.upstreams['openrouter']).toMatchObject({ kind: 'openrouter', api_key: 'k' });
    expect(unserved).toEqual([]);
    expect(discover).toBe(true);
    expect(notes).toHaveLength(1);
  });

  test.each([
    ['ANTHROPIC_API_KEY', 'anthropic', ['claude-opus-4.7', 'flagship']],
    ['GEMINI_API_KEY', 'gemini', ['gemini-3.1-pro', 'nano-banana', 'flagship', 'image-gen']],
  ])('%s alone is enough for the models of %s', (variable, name, aliases) => {
    const { config, discover, notes } = load(undefined, { env: { [variable]: 'k' } });
    expect(Object.keys(config.upstreams)).toEqual([name]);
    expect(config.upstreams[name]).toMatchObject({ kind: name, api_key: 'k' });
    expect(config.upstreams[name]?.base_url).toStartWith('https://');
    expect(Object.keys(config.models)).toEqual(aliases);
    expect(discover).toBe(true);
    expect(notes).toHaveLength(1);
  });

  test('all keys together: a model is asked of its own cloud first, then of OpenRouter', () => {
    const { config, unserved } = load(undefined, {
      env: {
        OPENROUTER_API_KEY: 'r',
        OPENAI_API_KEY: 'o',
        ANTHROPIC_API_KEY: 'a',
        GEMINI_API_KEY: 'g',
      },
    });
    expect(unserved).toEqual([]);
    const upstreamsOf = (alias: string) =>
      config.models[alias]?.targets.map(({ upstream }) => upstream);
    expect(upstreamsOf('claude-opus-4.7')).toEqual(['anthropic', 'openrouter']);
    expect(upstreamsOf('nano-banana')).toEqual(['gemini', 'openrouter']);
    expect(upstreamsOf('gpt-5.5-pro')).toEqual(['openrouter']);
    expect(upstreamsOf('image-gen')).toEqual(['gemini', 'openrouter', 'openrouter']);
  });

  test('a key for OpenAI is used once an alias has a target there, and said to be unused before', () => {
    const env = { OPENAI_API_KEY: 'k' };
    const { config, notes } = load(undefined, { env });
    expect(config.upstreams).toEqual({});
    expect(notes).toEqual([
      'OPENAI_API_KEY is set, but no alias has a target at OpenAI, so it is not used.',
    ]);
    const yaml = 'models: { gpt: { targets: [{ upstream: openai, model: gpt-5.5 }] } }';
    const { config: own } = load(yaml, { env });
    expect(own.upstreams['openai']).toMatchObject({ kind: 'openai', api_key: 'k' });
    expect(Object.keys(own.models)).toEqual(['gpt']);
  });

  test('a key for a cloud sends nothing there once other upstreams were chosen', () => {
    const { config } = load(SPARK, {
      env: { OPENROUTER_API_KEY: 'k', GEMINI_API_KEY: 'k' },
    });
    expect(Object.keys(config.upstreams)).toEqual(['spark']);
  });
});

describe('references', () => {
  test('a secret can stand in a file, whose last line break does not count', () => {
    const files = { '/run/key': 'abc\n', '/w/token': 'def\r\n' };
    const yaml =
      'auth: { bearer: file:token }\nupstreams: { o: { kind: openai, api_key: "file:/run/key" } }';
    const { config } = load(yaml, {}, files);
    expect(config.auth.bearer).toBe('def');
    expect(config.upstreams['o']?.api_key).toBe('abc');
  });

  test('a number can come by reference', () => {
    expect(load('server: { port: env:P }', { env: { P: '81' } }).config.server.port).toBe(81);
  });

  test('unresolved references are reported with their paths, and once', () => {
    const yaml =
      'upstreams: { openrouter: { kind: openrouter, api_key: env:OPENROUTER_API_KEY }, v: { kind: env:K, base_url: "file:/no" } }';
    expect(problemsOf(yaml)).toEqual([
      'upstreams.openrouter.api_key: environment variable OPENROUTER_API_KEY is not set',
      'upstreams.v.kind: environment variable K is not set',
      'upstreams.v.base_url: cannot read file /no: no such file',
    ]);
  });

  test('a refused value that came by reference is not shown', () => {
    const lines = problemsOf('server: { port: env:P }\nauth: { bearer: env:B }', {
      env: { P: 'hunter2', B: 'hunter 3' },
    });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('hunter');
  });
});

test('files are read from the disk where nobody says otherwise', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'gateway-config-'));
  try {
    writeFileSync(join(cwd, 'gateway.yaml'), 'server: { port: 4 }');
    expect(loadConfig({ cwd, env: {} }).config.server.port).toBe(4);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
