// Holds a reply to the types of the official OpenAI SDK, which scripts/write-openai-types.mjs wrote as JSON Schema.
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { VERSION } from 'openai/version';

export type OpenAiType = 'ChatCompletion' | 'ChatCompletionChunk';

/** Of the SDK that is installed; a new version of it needs the script run once. */
export const TYPES_FILE = new URL(`../types/openai-${VERSION}.json`, import.meta.url);

interface Schema {
  readonly definitions: Readonly<Record<string, object>>;
}

export function openAiSchema(): Schema {
  return JSON.parse(readFileSync(TYPES_FILE, 'utf8')) as Schema;
}

/** A checker that tells in what a value differs from a type: where (`*` for any place of a list) and how. */
export function createTypeChecker(): (type: OpenAiType, value: unknown) => string[] {
  // Not strict: the generator writes unions in ways that ajv finds odd. Members beyond the type are allowed.
  const ajv = new Ajv({ allErrors: true, strict: false }).addSchema(openAiSchema(), 'openai');
  return (type, value) => {
    const validate = ajv.getSchema(`openai#/definitions/${type}`);
    if (!validate) throw new Error(`${TYPES_FILE.pathname} has no ${type}`);
    if (validate(value) === true) return [];
    const faults = (validate.errors ?? []).map(({ instancePath, message }) => {
      const place = instancePath.replaceAll(/\/\d+/g, '[*]').replaceAll('/', '.').slice(1);
      return `${place || 'reply'} ${message ?? 'is wrong'}`;
    });
    return [...new Set(faults)].toSorted();
  };
}
