// Writes the parts of the manual that the code knows best, between markers, and leaves the prose around them alone:
// the settings from their schema, the errors from their catalogue, the metrics from their definitions, the models from the default catalogue.
// `npm run docs` writes; test/docs-truth.test.ts fails when somebody forgot to.
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { defaultCatalogue } from '../src/config/catalogue.ts';
import { NAMED_VARIABLES } from '../src/config/overrides.ts';
import { settingsSchema } from '../src/config/schema.ts';
import { METRICS } from '../src/observe/metric-definitions.ts';
import {
  ERROR_CATALOGUE,
  type CatalogueEntry,
  type ErrorCode,
} from '../src/domain/error-catalogue.ts';

export interface Setting {
  /** Keys from the top; `<name>` stands for a name of the operator's, `[]` for a place in a list. */
  readonly path: readonly string[];
  readonly type: string;
  readonly fallback: string;
  readonly description: string;
  /** null for what is set only as part of a list. */
  readonly variable: string | null;
}

/** JSON Schema, as far as the settings use it. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

/** Every setting that has a value of its own, in the schema's order. */
export function settings(): Setting[] {
  return settingsIn(z.toJSONSchema(settingsSchema, { io: 'output' }) as Schema, []);
}

function settingsIn(schema: Schema, path: readonly string[]): Setting[] {
  const { properties, additionalProperties: named, items } = schema;
  if (properties) {
    return Object.entries(properties).flatMap(([key, below]) => settingsIn(below, [...path, key]));
  }
  if (typeof named === 'object' && named.properties) return settingsIn(named, [...path, '<name>']);
  const setting = {
    path,
    type: typeOf(schema),
    fallback: schema.default === undefined ? '' : JSON.stringify(schema.default),
    description: schema.description ?? '',
    variable: variableOf(path),
  };
  return [setting, ...(items?.properties ? settingsIn(items, [...path, '[]']) : [])];
}

function typeOf({ type, enum: choices, anyOf, minimum, maximum, items }: Schema): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (anyOf) return '`true`, `false`, `configurable`';
  if (type === 'integer') return `whole number, ${minimum} to ${maximum}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'array') {
    return items?.properties
      ? 'list of mappings'
      : `list of ${items?.enum ? typeOf(items) : 'text'}`;
  }
  return { string: 'text', object: 'mapping of text' }[type ?? ''] ?? type ?? '';
}

function variableOf(path: readonly string[]): string | null {
  if (path.includes('[]')) return null;
  const named = Object.entries(NAMED_VARIABLES).find(([, to]) => to.join('.') === path.join('.'));
  return named?.[0] ?? `GATEWAY__${path.join('__').toUpperCase()}`;
}

/** A table as oxfmt leaves it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function settingsTable(belongs: (path: readonly string[]) => boolean): string {
  const rows = settings()
    .filter(({ path }) => belongs(path))
    .map(({ path, type, fallback, description }) => [
      `\`${path.join('.').replaceAll('.[]', '[]')}\``,
      fallback === '' ? '–' : `\`${fallback.replaceAll('"', '')}\``,
      [description, `_${type.charAt(0).toUpperCase()}${type.slice(1)}._`, ...nameOf(path)].join(
        ' ',
      ),
    ]);
  return table(['Setting', 'Default', 'What it does'], rows);
}

/** The variable of a setting that has one of its own; for the others there is a rule. */
function nameOf(path: readonly string[]): string[] {
  const variable = variableOf(path) ?? '';
  return variable in NAMED_VARIABLES ? [`Variable \`${variable}\`.`] : [];
}

function errorTable(): string {
  const rows = Object.entries<CatalogueEntry>(ERROR_CATALOGUE).map(([code, entry]) => [
    `[\`${code}\`](#${code})`,
    String(entry.http_status),
    `\`${entry.type}\``,
    entry.retryable ? 'yes' : 'no',
  ]);
  return table(['Code', 'Status', 'Type', 'Retryable'], rows);
}

/** Text as Markdown: `<token>` would be taken for HTML. */
const prose = (text: string) => text.replaceAll('<', String.raw`\<`);

/** Where the manual says more of what a code is about. */
const READ_ON: Readonly<Partial<Record<ErrorCode, string>>> = {
  missing_authorization: '[authentication](authentication.md#send-it)',
  invalid_authorization: '[authentication](authentication.md#send-it)',
  rate_limit_exceeded: '[requests per second](authentication.md#requests-per-second)',
  too_many_streams: '[requests at once](authentication.md#requests-at-once)',
  body_too_large: '[size](authentication.md#size)',
  model_not_in_allowlist: '[models](models.md#what-is-served-here)',
  image_url_not_supported: '[images in](vision.md)',
  image_decode_error: '[images in](vision.md#what-is-checked)',
  modality_not_supported: '[what each alias takes](models.md#the-default-catalogue)',
  context_length_exceeded: '[long conversations](conversations.md#long-conversations)',
  idempotency_key_reused: '[sending again](conversations.md#sending-again-without-asking-twice)',
  conversation_busy: '[turns](conversations.md#turns)',
  head_moved: '[turns](conversations.md#turns)',
  turn_cancelled: '[leaving and cancelling](conversations.md#leaving-and-cancelling)',
  conversation_not_found: '[several people](conversations.md#several-people)',
  upstream_interrupted: '[when a stream fails](streaming.md#when-it-fails-on-its-way)',
};

function errorSections(): string {
  return Object.entries<CatalogueEntry>(ERROR_CATALOGUE)
    .map(([code, entry]) =>
      [
        `### ${code}`,
        `**${entry.title}.** ${prose(entry.description)}`,
        [
          `- Status ${entry.http_status}, type \`${entry.type}\`, ${entry.retryable ? 'retryable' : 'not retryable'}.`,
          `- What to do: ${prose(entry.remediation)}`,
          ...(entry.typical_param === null
            ? []
            : [`- \`param\` is, for example, \`${entry.typical_param}\`.`]),
          ...(READ_ON[code as ErrorCode] ? [`- More: ${READ_ON[code as ErrorCode]}.`] : []),
        ].join('\n'),
      ].join('\n\n'),
    )
    .join('\n\n');
}

interface Model {
  readonly context_window: number;
  readonly modalities: { readonly input: readonly string[]; readonly output: readonly string[] };
  readonly capabilities: Readonly<Record<'tools' | 'reasoning' | 'json_mode', boolean | string>>;
  readonly min_max_tokens?: number;
  readonly typical_response_seconds: number;
  readonly targets?: readonly { readonly upstream: string; readonly model: string }[];
  readonly chain?: readonly string[];
}

const defaultModels = () => Object.entries(defaultCatalogue() as Record<string, Model>);

/** `1.05 M`, `262 k`: the exact number is in /v1/info. */
function shortCount(tokens: number): string {
  return tokens < 1e6 ? `${Math.round(tokens / 1e3)} k` : `${Number((tokens / 1e6).toFixed(2))} M`;
}

function modelTable(): string {
  const yesNo = (value: boolean | string) =>
    typeof value === 'string' ? value : value ? 'yes' : 'no';
  const rows = defaultModels().map(([alias, model]) => [
    `\`${alias}\``,
    shortCount(model.context_window),
    model.modalities.input.join(', '),
    model.modalities.output.join(', '),
    yesNo(model.capabilities.tools),
    yesNo(model.capabilities.reasoning),
    yesNo(model.capabilities.json_mode),
    String(model.min_max_tokens ?? '–'),
    String(model.typical_response_seconds),
  ]);
  return table(
    ['Alias', 'Context', 'Takes', 'Gives', 'Tools', 'Reasoning', 'JSON', 'Floor', 'Seconds'],
    rows,
  );
}

function targetTable(): string {
  const rows = defaultModels().map(([alias, { targets = [], chain = [] }]) => [
    `\`${alias}\``,
    [
      ...targets.map(({ upstream, model }) => `${upstream}: \`${model}\``),
      ...chain.map((member) => `those of \`${member}\``),
    ].join(', '),
  ]);
  return table(['Alias', 'Answered by, in order'], rows);
}

function metricTable(): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', ') || '–',
    help,
  ]);
  return table(['Metric', 'Type', 'Labels', 'What it tells'], rows);
}

/** The generated parts, by file below the repository's root and by the name in their marker. */
export const PARTS: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/configuration.md': {
    settings: () => settingsTable(([section]) => section !== 'upstreams' && section !== 'models'),
    upstreams: () => settingsTable(([section]) => section === 'upstreams'),
    models: () => settingsTable(([section]) => section === 'models'),
  },
  'docs/errors.md': { codes: errorTable, errors: errorSections },
  'docs/metrics.md': { metrics: metricTable },
  'docs/models.md': { catalogue: modelTable, targets: targetTable },
};

/** A file's text with its generated parts as they should be. Throws where a marker is missing. */
export function withParts(file: string, text: string): string {
  let result = text;
  for (const [name, render] of Object.entries(PARTS[file] ?? {})) {
    const [open, close] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const [start, end] = [result.indexOf(open), result.indexOf(close)];
    if (start === -1 || end === -1) throw new Error(`${file} has no marker ${open} … ${close}`);
    result = `${result.slice(0, start + open.length)}\n\n${render()}\n\n${result.slice(end)}`;
  }
  return result;
}

if (import.meta.main) {
  for (const file of Object.keys(PARTS)) {
    const path = new URL(`../${file}`, import.meta.url);
    writeFileSync(path, withParts(file, readFileSync(path, 'utf8')));
  }
}
