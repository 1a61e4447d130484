// `dgx-gateway check`: reads the configuration exactly as `serve` does and says what is wrong with it, or asks every
// upstream for its models and shows what would be served, with which settings, and with no secret in sight.

import { discoverEngines, type DiscoverOptions } from '../config/discover.ts';
import { loadConfig, type ConfigSources, type LoadedConfig } from '../config/load.ts';
import { listModels, type ModelList } from '../config/model-list.ts';
import { ConfigError, hideUserInfo } from '../config/problems.ts';
import type { Config, Target, Upstream } from '../config/schema.ts';
import { configHash, hideSecrets } from '../config/secrets.ts';
import { withDiscovered } from '../config/stand-ins.ts';
import { openAiBaseUrl } from '../config/upstreams.ts';

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
  readonly list: ModelList;
  readonly latencyMs: number;
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
  const probes = await Promise.all(
    Object.entries(config.upstreams).map(([name, upstream]) => probe(name, upstream, config)),
  );
  io.stdout(
    `${[
      describeSource(loaded),
      describeUpstreams(probes),
      describeAliases(config, probes),
      `Effective settings (hash ${configHash(config)})\n\n${effectiveSettings(config)}`,
    ].join('\n\n')}\n`,
  );
  const silent = probes.filter(({ list }) => !list.ok);
  for (const { name, list } of silent) {
    io.stderr(`Warning: upstream ${name}: ${list.ok ? '' : list.fault}\n`);
  }
  return strict && silent.length > 0 ? 1 : 0;
}

async function lookAround(config: Config, { enginePorts }: CheckIo): Promise<Config> {
  const options = enginePorts === undefined ? {} : { ports: enginePorts };
  return withDiscovered(config, await discoverEngines(options));
}

async function probe(name: string, upstream: Upstream, config: Config): Promise<Probe> {
  const { api_key, headers } = upstream;
  const startedAt = performance.now();
  const list = await listModels(openAiBaseUrl(upstream), {
    headers: { ...(api_key !== undefined && { authorization: `Bearer ${api_key}` }), ...headers },
    timeoutMs: config.health.probe_timeout_ms,
  });
  return { name, upstream, list, latencyMs: Math.round(performance.now() - startedAt) };
}

function describeSource({ source, notes, discover }: LoadedConfig): string {
  const lines = [source === null ? 'No configuration file.' : `Configuration: ${source}`, ...notes];
  if (discover)
    lines.push('No upstream is configured, so engines on this machine were looked for.');
  return [...lines, 'The configuration is valid.'].join('\n');
}

function describeUpstreams(probes: readonly Probe[]): string {
  if (probes.length === 0) return 'No upstream: the built-in demo engine would answer.';
  const rows = probes.map(({ name, upstream, list, latencyMs }) => [
    name,
    upstream.kind,
    hideUserInfo(upstream.base_url),
    list.status === null ? 'no' : 'yes',
    list.ok ? `ok ${list.status}` : list.fault,
    `${latencyMs} ms`,
    list.ok ? String(list.models.length) : '-',
  ]);
  const head = ['UPSTREAM', 'KIND', 'URL', 'REACHABLE', 'STATUS', 'LATENCY', 'MODELS'];
  return table([head, ...rows]);
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

/** Whether the upstream itself lists the target's model; an Ollama adds the tag that was left out. */
function listed(target: Target, probes: readonly Probe[]): string {
  const list = probes.find(({ name }) => name === target.upstream)?.list;
  if (list === undefined || !list.ok) return 'unknown';
  const names = [target.model, `${target.model}:latest`];
  return list.models.some(({ id }) => names.includes(id)) ? 'yes' : 'no';
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
