// From file, environment and flags to the one frozen Config, or to one error that lists everything that is wrong.
// Flags win over the environment, the environment over the file, the file over the defaults.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultCatalogue, mergeCatalogue, newRecord, serveModels } from './catalogue.ts';
import { addClouds } from './cloud-keys.ts';
import { crossCheck } from './cross-checks.ts';
import { freezeDeeply } from './freeze.ts';
import { applyOverrides, environmentOverrides, knownNames, readFlags } from './overrides.ts';
import type { Environment, Flags, Origins } from './overrides.ts';
import { ConfigError, type Problem } from './problems.ts';
import { fileFault, resolveReferences, type ReadFile } from './references.ts';
import { settingsSchema, type Config, type Settings, type Upstream } from './schema.ts';
import { describeIssue } from './schema-problems.ts';
import { isTree, mergeTrees, newTree, treeAt, type Tree } from './tree.ts';
import { toUpstream } from './upstreams.ts';
import { parseYamlFile } from './yaml-file.ts';

export interface ConfigSources {
  /** The command line after the command's name. */
  readonly argv?: readonly string[];
  readonly env?: Environment;
  readonly cwd?: string;
  /** Returns a file's text, or throws as node:fs does. */
  readonly readFile?: ReadFile;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read; null where there is none. */
  readonly source: string | null;
  /** Aliases of the catalogue that nobody can answer for, and that are therefore not served. */
  readonly unserved: readonly string[];
  /** What was decided for the operator, in sentences for the start-up log. */
  readonly notes: readonly string[];
  /** True where the operator named no upstream: the time to look for engines on this machine. */
  readonly discover: boolean;
}

/** Throws a ConfigError that lists every problem, one per line. */
export function loadConfig(sources: ConfigSources = {}): LoadedConfig {
  const { argv = [], env = process.env, cwd = process.cwd() } = sources;
  const readFile = sources.readFile ?? ((path: string) => readFileSync(path, 'utf8'));
  const problems: Problem[] = [];
  const aliases = Object.keys(defaultCatalogue());
  // The flags are read twice: the first time only to learn which file, as names in --set may be those of the file.
  const { config: flagged } = readFlags(argv, { upstreams: [], models: aliases }, []);
  const file = readConfigFile({ env, cwd, readFile, flagged }, problems);
  const known = knownNames(file.tree, aliases);
  const flags = readFlags(argv, known, problems);
  const origins = overrideTree(file.tree, { env, flags, known }, problems);
  const written = resolveReferences(file.tree, { env, cwd, readFile });
  const discover = Object.keys(treeAt(written.tree, 'upstreams')).length === 0;
  const notes = discover ? addClouds(written.tree, origins, env) : [];
  const { settings, found } = checkSettings(written.tree);
  const unresolved = new Set(written.problems.map(({ path }) => path));
  const provenance = { origins, referred: written.referred };
  const own = found.filter(({ path }) => !unresolved.has(path));
  problems.push(...written.problems, ...own.map((problem) => attribute(problem, provenance)));
  if (problems.length > 0 || settings === undefined)
    throw new ConfigError(withoutRepeats(problems));
  const config = freezeDeeply(toConfig(settings));
  return {
    config,
    source: file.path,
    unserved: Object.keys(config.unserved_models),
    notes,
    discover,
  };
}

interface FileSources extends Required<Omit<ConfigSources, 'argv'>> {
  readonly flagged: string | undefined;
}

interface ConfigFile {
  readonly path: string | null;
  readonly tree: Tree;
}

/** The file that --config or GATEWAY_CONFIG names, which must exist, or gateway.yaml, which need not. */
function readConfigFile(sources: FileSources, problems: Problem[]): ConfigFile {
  const { env, cwd, readFile, flagged } = sources;
  const named = flagged ?? env['GATEWAY_CONFIG'];
  if (named === '') {
    const message = 'environment variable is empty; give it a value or unset it';
    problems.push({ path: 'GATEWAY_CONFIG', message });
    return { path: null, tree: newTree() };
  }
  const path = named === undefined ? join(cwd, 'gateway.yaml') : resolve(cwd, named);
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const fault = fileFault(error);
    if (named !== undefined || fault !== 'no such file') {
      const source = flagged === undefined ? 'GATEWAY_CONFIG' : '--config';
      const place = named === undefined ? 'gateway.yaml' : source;
      problems.push({ path: place, message: `cannot read ${path}: ${fault}` });
    }
    return { path: null, tree: newTree() };
  }
  return { path, tree: parseYamlFile(text, path, problems) };
}

interface OverrideSources {
  readonly env: Environment;
  readonly flags: Flags;
  readonly known: ReturnType<typeof knownNames>;
}

function overrideTree(tree: Tree, sources: OverrideSources, problems: Problem[]): Origins {
  const fromEnvironment = environmentOverrides(sources.env, sources.known, problems);
  return applyOverrides(tree, [...fromEnvironment, ...sources.flags.overrides], problems);
}

function checkSettings(tree: Tree): { settings: Settings | undefined; found: Problem[] } {
  const merged = mergeCatalogue(treeAt(tree, 'models'), tree['catalogue']);
  const models = tree['models'] === undefined || isTree(tree['models']) ? merged : tree['models'];
  const whole = mergeTrees(tree, newTree());
  whole['models'] = models;
  const dataDir = treeAt(tree, 'server')['data_dir'];
  if (treeAt(tree, 'storage')['url'] === undefined && typeof dataDir === 'string') {
    const storage = tree['storage'] ?? newTree();
    const url = `sqlite:${join(dataDir, 'gateway.db')}`;
    if (isTree(storage)) whole['storage'] = mergeTrees(storage, { url });
  }
  const parsed = settingsSchema.safeParse(whole, { reportInput: true });
  const issues = parsed.success ? [] : parsed.error.issues.flatMap(describeIssue);
  return { settings: parsed.data, found: [...issues, ...crossCheck(tree, merged)] };
}

interface Provenance {
  readonly origins: Origins;
  readonly referred: ReadonlySet<string>;
}

/** Names the variable or flag that a refused value came from, and hides a value that came by reference. */
function attribute({ path, message }: Problem, { origins, referred }: Provenance): Problem {
  const origin = originOf(path, origins, message.startsWith('unknown key'));
  return {
    path: origin === undefined ? path : `${path} (from ${origin})`,
    message: referred.has(path)
      ? message.replace(/, got .*$/s, ', got something else by reference')
      : message,
  };
}

/** The origin of a value or of the mapping around it that was set whole; for an unknown key, of what was set in it. */
function originOf(path: string, origins: Origins, unknownKey: boolean): string | undefined {
  const inside = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  const around = [...origins.keys()].filter((place) => inside(path, place));
  const within = unknownKey ? [...origins.keys()].filter((place) => inside(place, path)) : [];
  const nearest = around.toSorted((a, b) => b.length - a.length)[0] ?? within[0];
  return nearest === undefined ? undefined : origins.get(nearest);
}

function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const lines = new Map(
    problems.map((problem) => [`${problem.path}\n${problem.message}`, problem]),
  );
  return [...lines.values()];
}

function toConfig(settings: Settings): Config {
  const { upstreams, models, ...rest } = settings;
  const servers = newRecord<Upstream>();
  for (const [name, upstream] of Object.entries(upstreams)) servers[name] = toUpstream(upstream);
  return { ...rest, upstreams: servers, ...serveModels(models, servers) };
}
