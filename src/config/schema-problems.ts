// Puts the schema's complaints into words: what was expected, what was there, and for a name the nearest known one.

import { z } from 'zod';
import { didYouMean, formatPath, showValue, type Problem } from './problems.ts';
import { settingsSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** One problem per mistake; `path` is where it is. */
export function describeIssue(issue: Issue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      message: `unknown key${didYouMean(key, known)}`,
    }));
  }
  return [{ path: formatPath(issue.path), message: describe(issue) }];
}

function describe(issue: Issue): string {
  const { input } = issue;
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const expected = `expected one of ${values.join(', ')}`;
    if (input === undefined) return `is missing; ${expected}`;
    const near = typeof input === 'string' ? didYouMean(input, values) : '';
    return `${expected}, got ${showValue(input)}${near}`;
  }
  if (issue.code === 'invalid_key') return 'is not a usable name';
  if (issue.code !== 'invalid_type') return issue.message;
  if (input === undefined) return 'is missing';
  if (issue.expected === 'object' || issue.expected === 'record') {
    return `expected a mapping, got ${showValue(input)}`;
  }
  return issue.expected === 'array' ? `expected a list, got ${showValue(input)}` : issue.message;
}

/** The keys that the schema knows at a path. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema = unwrap(settingsSchema);
  for (const segment of path) {
    if (schema instanceof z.ZodObject) schema = unwrap(schema.shape[String(segment)]);
    else if (schema instanceof z.ZodRecord) schema = unwrap(schema.valueType);
    else if (schema instanceof z.ZodArray) schema = unwrap(schema.element);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The schema beneath its default and its optionality. */
function unwrap(schema: unknown): unknown {
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault;
  return wrapped ? unwrap(schema.unwrap()) : schema;
}
