// What is set beside the message: system prompt, parameters, tools and the answer's form. Kept as it was typed, and
// read when it is sent.
import { isRecord } from '../../../client/errors.ts';

export interface ToolDraft {
  readonly name: string;
  readonly description: string;
  /** A JSON schema, as text. */
  readonly parameters: string;
}

export interface Settings {
  readonly system: string;
  readonly temperature: string;
  readonly topP: string;
  readonly maxTokens: string;
  readonly seed: string;
  readonly presencePenalty: string;
  readonly frequencyPenalty: string;
  /** One a line. */
  readonly stop: string;
  readonly reasoningEffort: string;
  readonly format: 'text' | 'json_object' | 'json_schema';
  readonly schema: string;
  readonly tools: readonly ToolDraft[];
  readonly toolChoice: 'auto' | 'none' | 'required';
}

export const DEFAULT_SETTINGS: Settings = {
  system: '',
  temperature: '',
  topP: '',
  maxTokens: '',
  seed: '',
  presencePenalty: '',
  frequencyPenalty: '',
  stop: '',
  reasoningEffort: '',
  format: 'text',
  schema: `{
  "type": "object",
  "properties": {
    "answer": { "type": "string" }
  },
  "required": ["answer"],
  "additionalProperties": false
}`,
  tools: [],
  toolChoice: 'auto',
};

export interface NumberField {
  readonly key:
    | 'temperature'
    | 'topP'
    | 'maxTokens'
    | 'seed'
    | 'presencePenalty'
    | 'frequencyPenalty';
  readonly name: string;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
  /** What holds where nothing is typed. */
  readonly hint: string;
}

const PLAIN = { isWhole: false, hint: 'default' };
const PENALTY = { ...PLAIN, min: -2, max: 2 };
const SAFE = Number.MAX_SAFE_INTEGER;

export const NUMBER_FIELDS: readonly NumberField[] = [
  { ...PLAIN, key: 'temperature', name: 'temperature', label: 'Temperature', min: 0, max: 2 },
  { ...PLAIN, key: 'topP', name: 'top_p', label: 'Top P', min: 0, max: 1 },
  {
    key: 'maxTokens',
    name: 'max_tokens',
    label: 'Most tokens',
    min: 1,
    max: 10_000_000,
    isWhole: true,
    hint: 'default',
  },
  {
    key: 'seed',
    name: 'seed',
    label: 'Seed',
    min: -SAFE,
    max: SAFE,
    isWhole: true,
    hint: 'random',
  },
  { ...PENALTY, key: 'presencePenalty', name: 'presence_penalty', label: 'Presence penalty' },
  { ...PENALTY, key: 'frequencyPenalty', name: 'frequency_penalty', label: 'Frequency penalty' },
];

/** Something that was typed and cannot be sent. */
export interface Problem {
  /** A key of the settings, or `tools.<index>`. */
  readonly field: string;
  readonly message: string;
}

export function problemsIn(settings: Settings): Problem[] {
  return [
    ...NUMBER_FIELDS.flatMap((known) => numberProblem(known, settings[known.key])),
    ...(settings.format === 'json_schema' ? objectProblem('schema', settings.schema) : []),
    ...settings.tools.flatMap((tool, index) => toolProblem(`tools.${index}`, tool)),
  ];
}

function numberProblem({ key, label, min, max, isWhole }: NumberField, text: string): Problem[] {
  if (text.trim() === '') return [];
  const value = Number(text);
  const fits = Number.isFinite(value) && value >= min && value <= max;
  if (fits && (!isWhole || Number.isInteger(value))) return [];
  const kind = isWhole ? 'a whole number' : 'a number';
  const range =
    Math.abs(min) > 1_000_000
      ? ''
      : max > 1_000_000
        ? `, at least ${min}`
        : ` from ${min} to ${max}`;
  return [{ field: key, message: `${label} has to be ${kind}${range}.` }];
}

export function toolProblem(field: string, { name, parameters }: ToolDraft): Problem[] {
  if (!/^[\w-]{1,64}$/.test(name))
    return [{ field, message: 'A function’s name has 1 to 64 letters, digits, _ or -.' }];
  return objectProblem(field, parameters);
}

function objectProblem(field: string, text: string): Problem[] {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? [] : [{ field, message: 'A schema is a JSON object: { … }.' }];
  } catch (error) {
    return [{ field, message: `The schema is not JSON: ${(error as Error).message}` }];
  }
}

/** The members of the request that they come to. Nothing that was left empty is sent. */
export function parametersOf(settings: Settings): Record<string, unknown> {
  const stop = settings.stop.split('\n').filter((line) => line !== '');
  return {
    ...Object.fromEntries(
      NUMBER_FIELDS.filter(({ key }) => settings[key].trim() !== '').map(({ key, name }) => [
        name,
        Number(settings[key]),
      ]),
    ),
    ...(stop.length === 0 ? {} : { stop: stop.length === 1 ? stop[0] : stop }),
    ...(settings.reasoningEffort === '' ? {} : { reasoning_effort: settings.reasoningEffort }),
    ...formatOf(settings),
  };
}

function formatOf({ format, schema }: Settings): Record<string, unknown> {
  if (format === 'text') return {};
  if (format === 'json_object') return { response_format: { type: 'json_object' } };
  const json_schema = { name: 'answer', strict: true, schema: JSON.parse(schema) as unknown };
  return { response_format: { type: 'json_schema', json_schema } };
}

export function toolsOf({ tools }: Settings): object[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: {
      name,
      ...(description === '' ? {} : { description }),
      parameters: JSON.parse(parameters) as unknown,
    },
  }));
}

/** Tools as a conversation has them, for the form again. */
export function toolDrafts(tools: readonly unknown[]): ToolDraft[] {
  return tools.flatMap((tool) => {
    const fn: unknown = isRecord(tool) ? tool['function'] : null;
    if (!isRecord(fn) || typeof fn['name'] !== 'string') return [];
    return {
      name: fn['name'],
      description: typeof fn['description'] === 'string' ? fn['description'] : '',
      parameters: JSON.stringify(fn['parameters'] ?? { type: 'object', properties: {} }, null, 2),
    };
  });
}
