// Settings from outside the file: environment variables, then flags on top. Each remembers where it came from, because
// somebody who set PORT looks for PORT in the error, not for server.port.

import { parseArgs } from 'node:util';
import { didYouMean, formatPath, type Problem } from './problems.ts';
import { assign, copyTree, isTree, treeAt, type Tree } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables with names of their own; every other setting is GATEWAY__SECTION__KEY. */
export const NAMED_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  HOST: ['server', 'host'],
  PORT: ['server', 'port'],
  DATABASE_URL: ['storage', 'url'],
  RUST_API_BEARER: ['auth', 'bearer'],
  RATE_LIMIT_PER_SECOND: ['limits', 'rate_per_second'],
  RATE_LIMIT_BURST: ['limits', 'burst'],
  MAX_BODY_BYTES: ['limits', 'max_body_bytes'],
  LOG_LEVEL: ['log', 'level'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['traces', 'endpoint'],
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ['traces', 'url'],
  OTEL_EXPORTER_OTLP_HEADERS: ['traces', 'headers'],
  OTEL_SERVICE_NAME: ['traces', 'service_name'],
};

const PREFIX = 'GATEWAY__';

const FLAGS = ['host', 'port', 'config', 'set'] as const;

/** One setting from outside the file; `origin` is what the person wrote: `PORT`, `--port`, `--set server.port`. */
export interface Override {
  readonly path: readonly string[];
  readonly value: string;
  readonly origin: string;
}

/** Names that exist already, so that LLAMA_4_SCOUT finds llama-4-scout. */
export interface KnownNames {
  readonly upstreams: readonly string[];
  readonly models: readonly string[];
}

export function environmentOverrides(
  env: Environment,
  known: KnownNames,
  problems: Problem[],
): Override[] {
  const overrides: Override[] = [];
  for (const [name, path] of Object.entries(NAMED_VARIABLES)) {
    const value = env[name];
    if (value === '') problems.push({ path: formatPath(path), message: emptyMessage(name) });
    else if (value !== undefined) overrides.push({ path, value, origin: name });
  }
  for (const name of Object.keys(env).toSorted()) {
    const value = env[name];
    if (!name.toUpperCase().startsWith(PREFIX) || value === undefined) continue;
    const words = name.slice(PREFIX.length).toLowerCase().split('__');
    if (words.includes('')) {
      problems.push({ path: name, message: 'expected GATEWAY__SECTION__KEY' });
    } else if (value === '') {
      problems.push({ path: formatPath(words), message: emptyMessage(name) });
    } else overrides.push({ path: existingNames(words, known), value, origin: name });
  }
  return overrides;
}

function emptyMessage(name: string): string {
  return `environment variable ${name} is empty; give it a value or unset it`;
}

/** Environment variables have neither dots nor dashes: an upstream, alias or header is found by its bare letters. */
function existingNames(words: readonly string[], known: KnownNames): string[] {
  const [section, name, ...rest] = words;
  if ((section !== 'upstreams' && section !== 'models') || name === undefined) return [...words];
  const bare = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
  const existing = known[section].find((candidate) => bare(candidate) === name) ?? name;
  const [key, header] = rest;
  if (key === 'headers' && header !== undefined) {
    return [section, existing, key, header.replaceAll('_', '-')];
  }
  return [section, existing, ...rest];
}

export interface Flags {
  readonly config: string | undefined;
  readonly overrides: readonly Override[];
}

/** The command line after the command's name: --host, --port, --config, and --set path=value as often as needed. */
export function readFlags(argv: readonly string[], known: KnownNames, problems: Problem[]): Flags {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(FLAGS.map((flag) => [flag, { type: 'string' as const }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  let config: string | undefined;
  const overrides: Override[] = [];
  let afterUnknown = false; // what follows an unknown flag is most likely its value, and no mistake of its own
  for (const token of tokens) {
    if (token.kind === 'positional' && !afterUnknown) {
      problems.push({ path: token.value, message: 'unexpected argument' });
    }
    afterUnknown = token.kind === 'option' && !isFlag(token.name);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (!isFlag(name)) {
      problems.push({ path: rawName, message: `unknown flag${didYouMean(name, FLAGS, '--')}` });
    } else if (value === undefined || value === '') {
      problems.push({ path: rawName, message: 'needs a value' });
    } else if (name === 'config') config = value;
    else if (name === 'set') overrides.push(...readSetting(value, known, problems));
    else overrides.push({ path: ['server', name], value, origin: rawName });
  }
  return { config, overrides };
}

function isFlag(name: string): name is (typeof FLAGS)[number] {
  return (FLAGS as readonly string[]).includes(name);
}

/** `server.drain_ms=5000`; a name with dots may be quoted, and need not be where it is a known one. */
function readSetting(text: string, known: KnownNames, problems: Problem[]): Override[] {
  const match = /^((?:"[^"]+"|[^".=]+)(?:\.(?:"[^"]+"|[^".=]+))*)=(.+)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    problems.push({
      path: '--set',
      message: 'expected a path and a value, as in server.port=3000',
    });
    return [];
  }
  const words = [...match[1].matchAll(/"([^"]+)"|[^".]+/g)].map(([word, quoted]) => quoted ?? word);
  const path = joinKnownName(words, known);
  return [{ path, value: match[2], origin: `--set ${match[1]}` }];
}

function joinKnownName(words: readonly string[], known: KnownNames): string[] {
  const [section, ...rest] = words;
  if (section !== 'upstreams' && section !== 'models') return [...words];
  for (let count = rest.length; count > 1; count--) {
    const name = rest.slice(0, count).join('.');
    if (known[section].includes(name)) return [section, name, ...rest.slice(count)];
  }
  return [...words];
}

/** Where values came from, by path; a value inside a mapping that was set whole has the mapping's origin. */
export type Origins = Map<string, string>;

/** Puts overrides into the tree, the later over the earlier, and returns the origin of each. */
export function applyOverrides(
  tree: Tree,
  overrides: readonly Override[],
  problems: Problem[],
): Origins {
  const origins: Origins = new Map();
  for (const { path, value, origin } of overrides) {
    const place = formatPath(path);
    const read = readValue(value, path, problems);
    if (assign(tree, path, read)) origins.set(place, origin);
    else problems.push({ path: `${place} (from ${origin})`, message: 'unknown key' });
  }
  return origins;
}

/** Lists and mappings are YAML's flow form; everything else stays text, which the schema turns into what it needs. */
function readValue(value: string, path: readonly string[], problems: Problem[]): unknown {
  const alias = path.length === 2 && path[0] === 'models';
  if (!/^\s*[[{]/.test(value) && !(alias && value === 'null')) return value;
  try {
    const wrapped = copyTree(
      { [path.at(-1) ?? '']: Bun.YAML.parse(value) },
      problems,
      path.slice(0, -1),
    );
    return isTree(wrapped) ? wrapped[path.at(-1) ?? ''] : value;
  } catch {
    return value; // the schema says what it wanted instead of this text
  }
}

/** The names that the tree and the default catalogue know. */
export function knownNames(tree: Tree, defaultAliases: readonly string[]): KnownNames {
  return {
    upstreams: Object.keys(treeAt(tree, 'upstreams')),
    models: [...new Set([...Object.keys(treeAt(tree, 'models')), ...defaultAliases])],
  };
}
