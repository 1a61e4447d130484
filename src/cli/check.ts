// `dgx-gateway check`: reads the configuration exactly as `serve` does and says what is wrong with it, or probes every
// upstream as `serve` would and shows what would be served, with which settings, and with no secret in sight.

import { discoverEngines, type DiscoverOptions } from '../config/discover.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from '../config/load.ts';
import { listModels } from '../config/model-list.ts';
import { ConfigError, hideUserInfo } from '../config/problems.ts';
import type { Config, Target, Upstream } from '../config/schema.ts';
import { configHash, hideSecrets } from '../config/secrets.ts';
import { withDiscovered } from '../config/stand-ins.ts';
import { probeUpstreams, type ProbedUpstream } from '../assembly/upstreams.ts';
import { insightLine } from './insight-line.ts';

export interface CheckIo {
  /** After the command's name; `--strict` makes an upstream that does not answer a failure. */
  readonly argv: readonly string[];
  readonly env: NonNullable<ConfigSources['env']>;
  readonly cwd: string;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Where to look for engines, instead of the usual ports. */
  readonly enginePorts?: DiscoverOptions['ports'];
}

interface Probe {
  readonly name: string;
  readonly upstream: Upstream;
  readonly seen: ProbedUpstream;
  /** What it calls its models; null where that is not known. */
  readonly models: readonly string[] | null;
}

/** Returns the exit code: 0 for a valid configuration, 1 otherwise. */
export async function runCheck(io: CheckIo): Promise<number> {
  const strict = io.argv.includes('--strict');
  const argv = io.argv.filter((argument) => argument !== '--strict');
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig({ argv, env: io.env, cwd: io.cwd });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    io.stderr(`${error.message}\n`);
    io.stderr(`The configuration has ${count(error.problems.length, 'problem')}.\n`);
    return 1;
  }
  const config = loaded.discover ? await lookAround(loaded.config, io) : loaded.config;
  const probes = await probeAll(config);
  io.stdout(
    `${[
      describeSource(loaded),
      describeUpstreams(probes),
      describeAliases(config, probes),
      `Effective settings (hash ${configHash(config)})\n\n${effectiveSettings(config)}`,
    ].join('\n\n')}\n`,
  );
  const silent = probes.filter(({ seen }) => seen.problem !== null);
  for (const { name, seen } of silent) {
    io.stderr(`Warning: upstream ${name}: ${seen.problem}\n`);
  }
  return strict && silent.length > 0 ? 1 : 0;
}

async function lookAround(config: Config, { enginePorts }: CheckIo): Promise<Config> {
  const options = enginePorts === undefined ? {} : { ports: enginePorts };
  return withDiscovered(config, await discoverEngines(options));
}

async function probeAll(config: Config): Promise<Probe[]> {
  const seen = await probeUpstreams(config);
  const probes = seen.map(async (one) => {
    const upstream = config.upstreams[one.name];
    if (!upstream) return [];
    const models = one.insight?.availableModels ?? (await publicModels(upstream, config));
    return [{ name: one.name, upstream, seen: one, models }];
  });
  return (await Promise.all(probes)).flat();
}

/** OpenRouter's list is public, and too long for a probe. */
async function publicModels(
  { kind, base_url }: Upstream,
  { health }: Config,
): Promise<readonly string[] | null> {
  if (kind !== 'openrouter') return null;
  const list = await listModels(base_url, { timeoutMs: health.probe_timeout_ms });
  return list.ok ? list.models.map(({ id }) => id) : null;
}

function describeSource({ source, notes, discover }: LoadedConfig): string {
  const lines = [source === null ? 'No configuration file.' : `Configuration: ${source}`, ...notes];
  if (discover)
    lines.push('No upstream is configured, so engines on this machine were looked for.');
  return [...lines, 'The configuration is valid.'].join('\n');
}

function describeUpstreams(probes: readonly Probe[]): string {
  if (probes.length === 0) return 'No upstream: the built-in demo engine would answer.';
  const rows = probes.map(({ name, upstream, seen, models }) => [
    name,
    upstream.kind,
    hideUserInfo(upstream.base_url),
    seen.reachable ? 'yes' : 'no',
    seen.problem ?? 'ok',
    seen.latencyMs === null ? '-' : `${Math.round(seen.latencyMs)} ms`,
    models === null ? '-' : String(models.length),
  ]);
  const head = ['UPSTREAM', 'KIND', 'URL', 'REACHABLE', 'STATUS', 'LATENCY', 'MODELS'];
  const told = probes.flatMap(({ name, seen }) => {
    const line = seen.insight && insightLine(seen.insight);
    return line ? [`${name}: ${line}`] : [];
  });
  return [table([head, ...rows]), ...(told.length > 0 ? [told.join('\n')] : [])].join('\n\n');
}

function describeAliases(config: Config, probes: readonly Probe[]): string {
  const rows = Object.entries(config.models).flatMap(([alias, { targets }]) =>
    targets.map((target, index) => [
      index === 0 ? alias : '',
      target.upstream,
      target.model,
      listed(target, probes),
    ]),
  );
  const parts = [];
  if (rows.length > 0) parts.push(table([['ALIAS', 'UPSTREAM', 'MODEL', 'LISTED THERE'], ...rows]));
  const unserved = Object.keys(config.unserved_models);
  if (unserved.length > 0) {
    const fate =
      probes.length === 0 ? 'Answered by the demo engine' : 'Not served, for want of an upstream';
    parts.push(`${fate}: ${unserved.join(', ')}`);
  }
  return parts.join('\n\n');
}

/**
 * Whether the upstream itself lists the target's model; an Ollama adds the tag that was left out, and a llama.cpp
 * answers to every name.
 */
function listed(target: Target, probes: readonly Probe[]): string {
  const probe = probes.find(({ name }) => name === target.upstream);
  if (!probe?.models) return 'unknown';
  if (probe.seen.insight?.servesAnyName) return 'yes';
  const names = [target.model, `${target.model}:latest`];
  return probe.models.some((id) => names.includes(id)) ? 'yes' : 'no';
}

/** The settings as they could be written into a file, with what was decided for the operator left out. */
function effectiveSettings(config: Config): string {
  const { unserved_models: _, disabled_models, ...settings } = hideSecrets(config);
  const disabled = disabled_models.map((alias) => [alias, { enabled: false }] as const);
  const models = Object.entries(settings.models).map(([alias, { chain, targets, ...model }]) => [
    alias,
    { ...model, ...(chain === undefined ? { targets } : { chain }) },
  ]);
  const written = { ...settings, models: Object.fromEntries([...models, ...disabled]) };
  return Bun.YAML.stringify(written, null, 2) ?? '';
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
