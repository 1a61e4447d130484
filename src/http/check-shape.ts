// Checks a parsed body or query against a zod schema and names the field at fault the way clients write it:
// `messages[0].role`.
import type { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';

/** The value as the schema types it; `missing_field` or `invalid_field` for the first fault otherwise. */
export function checkShape<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const param = fieldPath([...path, ...issue.keys.slice(0, 1)]);
    throw new GatewayError('invalid_field', {
      message: `${param} is not a field that is known here. Leave it out.`,
      param,
    });
  }
  const param = fieldPath(path);
  if (valueAt(value, path) === undefined) {
    throw new GatewayError('missing_field', { message: `${param} is missing. Add it.`, param });
  }
  throw new GatewayError('invalid_field', {
    message: `${param}: ${issue?.message ?? 'wrong value'}.`,
    param,
  });
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined),
    value,
  );
}
