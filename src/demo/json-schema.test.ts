import { expect, test } from 'bun:test';
import fc from 'fast-check';

import { isObject, type Json, type JsonObject, listOf } from './json.ts';
import { type Filling, valueFor } from './json-schema.ts';

const plain: Filling = { propose: () => undefined, mentions: '', sparse: false };

const range = (limit: number): fc.Arbitrary<[number, number]> =>
  fc
    .tuple(fc.integer({ min: -limit, max: limit }), fc.nat(limit))
    .map(([low, more]) => [low, low + more]);

const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: 'null' }),
  fc.constant({ type: ['string', 'null'] }),
  fc.constant({ const: 'fixed' }),
  fc.constant({ type: 'string', format: 'date-time' }),
  range(1_000).map(([minimum, maximum]) => ({ type: 'integer', minimum, maximum })),
  range(50).map(([low, high]) => ({ type: 'number', exclusiveMinimum: low, maximum: high + 1 })),
  fc.integer({ min: 1, max: 9 }).map((multipleOf) => ({ type: 'integer', multipleOf, minimum: 7 })),
  fc
    .tuple(fc.nat(20), fc.nat(20))
    .map(([least, more]) => ({ type: 'string', minLength: least, maxLength: least + more })),
  fc
    .uniqueArray(fc.oneof(fc.string(), fc.integer()), { minLength: 1 })
    .map((options) => ({ enum: options })),
);

const schemas = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.dictionary(fc.string({ maxLength: 8 }), tie('schema'), { maxKeys: 4 }).chain((properties) =>
      fc.subarray(Object.keys(properties)).map((required) => ({
        type: 'object',
        properties,
        required,
        additionalProperties: false,
      })),
    ),
    fc.tuple(tie('schema'), fc.nat(3), fc.nat(3)).map(([items, least, more]) => ({
      type: 'array',
      items,
      minItems: least,
      maxItems: least + more,
    })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
})).schema;

/** A validator of just these keywords, written the other way round than the generator. */
function isValid(schema: Json, value: Json): boolean {
  const rules = isObject(schema) ? schema : {};
  if (rules['anyOf'] !== undefined)
    return listOf(rules['anyOf']).some((one) => isValid(one, value));
  if (rules['const'] !== undefined) return rules['const'] === value;
  if (rules['enum'] !== undefined) return listOf(rules['enum']).includes(value);
  const types = typeof rules['type'] === 'string' ? [rules['type']] : listOf(rules['type']);
  if (!types.includes(typeName(value)) && !(types.includes('number') && typeof value === 'number'))
    return false;
  const at = (keyword: string, otherwise: number): number => Number(rules[keyword] ?? otherwise);
  if (typeof value === 'number') {
    const above = value >= at('minimum', -Infinity) && value > at('exclusiveMinimum', -Infinity);
    return (
      above &&
      value <= at('maximum', Infinity) &&
      (rules['multipleOf'] === undefined || value % at('multipleOf', 1) === 0)
    );
  }
  if (typeof value === 'string')
    return value.length >= at('minLength', 0) && value.length <= at('maxLength', Infinity);
  if (isObject(value)) return isValidObject(rules, value);
  const items = listOf(value);
  return (
    items.length >= at('minItems', 0) &&
    items.length <= at('maxItems', Infinity) &&
    items.every((item) => isValid(rules['items'] ?? {}, item))
  );
}

function isValidObject(rules: JsonObject, value: JsonObject): boolean {
  const properties = isObject(rules['properties']) ? rules['properties'] : {};
  return (
    listOf(rules['required']).every(
      (name) => typeof name === 'string' && Object.hasOwn(value, name),
    ) &&
    Object.entries(value).every(
      ([name, member]) =>
        Object.hasOwn(properties, name) && isValid(properties[name] ?? {}, member),
    )
  );
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

test('the value made for a schema satisfies it, whatever is proposed', () => {
  const proposals = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  fc.assert(
    fc.property(schemas, proposals, (schema, proposed) => {
      const ofType = (type: string): boolean =>
        type === 'string' ? typeof proposed === 'string' : typeof proposed === 'number';
      const value = valueFor(schema, {
        ...plain,
        propose: (_, type) => (ofType(type) ? proposed : undefined),
      });
      const where = JSON.stringify({ schema, value });
      expect(isValid(schema, value) ? '' : where).toBe('');
    }),
    { numRuns: 300 },
  );
});

test('references are followed, and a schema that refers to itself ends', () => {
  const schema = {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: {
          label: { type: 'string' },
          next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
        },
        required: ['label', 'next'],
      },
    },
  };
  expect(valueFor(schema, plain)).toMatchObject({ label: 'demo', next: { label: 'demo' } });
});

test('a schema that can have no finite value costs a bounded amount of work', () => {
  const twice = {
    type: 'object',
    properties: { a: { $ref: '#' }, b: { $ref: '#' } },
    required: ['a', 'b'],
  };
  expect(JSON.stringify(valueFor(twice, plain)).length).toBeLessThan(100_000);
  expect(valueFor({ $ref: '#' }, plain)).toBe('demo');
});

test('allOf is merged, required members without a schema are made, and __proto__ is a member like others', () => {
  const schema = {
    allOf: [
      { type: 'object', properties: { a: { const: 1 } }, required: ['a'] },
      { properties: { b: { const: 2 } }, required: ['b', '__proto__'] },
    ],
  };
  expect(JSON.stringify(valueFor(schema, plain))).toBe('{"a":1,"b":2,"__proto__":"demo"}');
});

test('a proposed string is used only where pattern and format allow it', () => {
  const proposing = (text: string): Filling => ({ ...plain, propose: () => text });
  expect(valueFor({ type: 'string', pattern: '^[A-Z]{3}$' }, proposing('USD'))).toBe('USD');
  expect(valueFor({ type: 'string', pattern: '^[A-Z]{3}$' }, proposing('dollars'))).toBe('ABC');
  expect(valueFor({ type: 'string', format: 'date' }, proposing('tomorrow'))).toBe('2026-01-01');
  expect(valueFor({ type: 'string', format: 'date' }, proposing('2026-05-04'))).toBe('2026-05-04');
});
