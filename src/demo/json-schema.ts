// Makes a value that satisfies a JSON Schema: the subset that structured outputs and tool parameters use (types,
// enum, const, bounds, lengths, nesting, $ref, anyOf, oneOf, allOf). Values come from `propose` where they fit, and are
// the plainest that the schema allows elsewhere. Schemas come from strangers: the work is bounded by a count of nodes.

import type { Propose } from './fields.ts';
import { isObject, type Json, type JsonObject, listOf } from './json.ts';
import { numberFor, stringFor } from './json-scalars.ts';

export interface Filling {
  readonly propose: Propose;
  /** The text in which an enum's value may be mentioned. */
  readonly mentions: string;
  /** Whether properties that are not required are left out unless something is proposed for them. */
  readonly sparse: boolean;
}

interface Walk extends Filling {
  readonly root: Json;
  readonly budget: { nodes: number };
}

interface Place {
  readonly field: string;
  readonly depth: number;
  /** Which item of an array this is; keeps the items of `uniqueItems` apart. */
  readonly item: number;
}

const MAX_NODES = 2_000;
const MAX_ITEMS = 100;
/** Below this, properties that nobody requires are left out, and alternatives that end are preferred. */
const PLENTY_DEPTH = 5;
const MAX_DEPTH = 32;

export function valueFor(schema: Json, filling: Filling): Json {
  const walk = { ...filling, root: schema, budget: { nodes: MAX_NODES } };
  return make(schema, walk, { field: '', depth: 0, item: 0 });
}

function make(schema: Json, walk: Walk, place: Place): Json {
  walk.budget.nodes -= 1;
  const rules = resolve(schema, walk, place);
  if (walk.budget.nodes < 0 || place.depth > MAX_DEPTH) return null;
  if (rules['const'] !== undefined) return rules['const'];
  const options = listOf(rules['enum']);
  if (options.length > 0)
    return mentioned(options, walk.mentions) ?? options[place.item % options.length] ?? null;
  const type = typeOf(rules);
  switch (type) {
    case 'object':
      return makeObject(rules, walk, place);
    case 'array':
      return makeArray(rules, walk, place);
    case 'boolean':
      return typeof rules['default'] === 'boolean' ? rules['default'] : place.item % 2 === 1;
    case 'null':
      return null;
    case 'integer':
    case 'number':
      return numberFor(rules, walk.propose(place.field, type) ?? rules['default'], place.item);
    default:
      return stringFor(rules, walk.propose(place.field, 'string') ?? rules['default'], place.item);
  }
}

function makeObject(rules: JsonObject, walk: Walk, place: Place): JsonObject {
  const properties = isObject(rules['properties']) ? rules['properties'] : {};
  const required = new Set(listOf(rules['required']).filter((name) => typeof name === 'string'));
  const made: Record<string, Json> = {};
  for (const [name, schema] of Object.entries(properties)) {
    const at = { field: name, depth: place.depth + 1, item: place.item };
    if (required.has(name) || isWorthFilling(schema, walk, at))
      set(made, name, make(schema, walk, at));
    required.delete(name);
  }
  const further = isObject(rules['additionalProperties']) ? rules['additionalProperties'] : {};
  for (const name of required) {
    set(made, name, make(further, walk, { field: name, depth: place.depth + 1, item: place.item }));
  }
  return made;
}

/** A plain assignment to "__proto__" would set the prototype and lose the member. */
function set(object: Record<string, Json>, name: string, value: Json): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function isWorthFilling(schema: Json, walk: Walk, place: Place): boolean {
  if (!walk.sparse) return place.depth <= PLENTY_DEPTH;
  const rules = resolve(schema, walk, place);
  const options = listOf(rules['enum']);
  if (options.length > 0) return mentioned(options, walk.mentions) !== undefined;
  const type = typeOf(rules);
  // Numbers are given out once each: an optional field takes one only if the message speaks of it.
  if (type === 'number' || type === 'integer') {
    return walk.mentions.toLowerCase().includes(place.field.toLowerCase().replace(/s$/, ''));
  }
  return type === 'string' && isProposed(rules, walk, place);
}

function isProposed(rules: JsonObject, walk: Walk, place: Place): boolean {
  const proposed = walk.propose(place.field, 'string');
  return proposed !== undefined && stringFor(rules, proposed, place.item) === proposed;
}

function makeArray(rules: JsonObject, walk: Walk, place: Place): Json[] {
  const least = count(rules['minItems'], 0);
  const most = Math.min(count(rules['maxItems'], MAX_ITEMS), MAX_ITEMS);
  const wanted = place.depth > PLENTY_DEPTH ? least : Math.max(least, 1);
  const prefix = listOf(rules['prefixItems']);
  const length = Math.min(Math.max(wanted, Math.min(prefix.length, most)), most);
  const further = rules['items'] ?? {};
  const depth = place.depth + 1;
  return Array.from({ length }, (_, item) =>
    make(prefix[item] ?? further, walk, { field: place.field, depth, item }),
  );
}

/** The schema with references followed, allOf merged, and the first alternative chosen. */
function resolve(schema: Json, walk: Walk, place: Place): JsonObject {
  let rules = isObject(schema) ? schema : {};
  // A bound, since a reference may lead back to itself.
  for (let hops = 0; hops < MAX_DEPTH; hops += 1) {
    const { $ref: reference, anyOf, oneOf, allOf, ...rest } = rules;
    const alternatives = [...listOf(anyOf), ...listOf(oneOf)];
    const parts = listOf(allOf);
    const chosen =
      place.depth > endingDepth(alternatives) ? shortest(alternatives) : alternatives[0];
    const next = [
      typeof reference === 'string' ? lookUp(walk.root, reference) : undefined,
      chosen,
      ...parts,
    ];
    const found = next.filter((part) => isObject(part));
    if (found.length === 0) return rest;
    rules = found.reduce(mergeRules, rest);
  }
  return {};
}

function mergeRules(one: JsonObject, other: JsonObject): JsonObject {
  const properties = [one['properties'], other['properties']].filter(isObject);
  const required = [...listOf(one['required']), ...listOf(other['required'])];
  return {
    ...one,
    ...other,
    ...(properties.length > 0
      ? { properties: Object.fromEntries(properties.flatMap(Object.entries<Json>)) }
      : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** A list's "next" may be null: a few levels of such a thing show as much as many. */
function endingDepth(alternatives: readonly Json[]): number {
  const mayEnd = alternatives.some((one) => isObject(one) && one['type'] === 'null');
  const mayRecur = alternatives.some((one) => isObject(one) && one['$ref'] !== undefined);
  return mayEnd && mayRecur ? 2 : PLENTY_DEPTH;
}

/** Where a schema refers to itself, the alternative that does not is the one that ends. */
function shortest(alternatives: readonly Json[]): Json | undefined {
  const weight = (schema: Json): number => {
    if (!isObject(schema)) return 1;
    if (schema['type'] === 'null') return 0;
    const nests = schema['$ref'] ?? schema['properties'] ?? schema['items'] ?? schema['anyOf'];
    return nests === undefined ? 1 : 2;
  };
  return alternatives.toSorted((one, other) => weight(one) - weight(other))[0];
}

function lookUp(root: Json, reference: string): Json | undefined {
  let found: Json | undefined = root;
  for (const step of reference.replace(/^#\/?/, '').split('/')) {
    if (step === '') continue;
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}

function typeOf(rules: JsonObject): string {
  const { type } = rules;
  if (typeof type === 'string') return type;
  const types = listOf(type).filter((one) => typeof one === 'string');
  if (types.length > 0) return types.find((one) => one !== 'null') ?? 'null';
  if (rules['properties'] !== undefined) return 'object';
  if (rules['items'] !== undefined || rules['prefixItems'] !== undefined) return 'array';
  return rules['minimum'] !== undefined || rules['maximum'] !== undefined ? 'number' : 'string';
}

function mentioned(options: readonly Json[], text: string): Json | undefined {
  const said = text.toLowerCase();
  return options.find(
    (option) => typeof option === 'string' && option !== '' && said.includes(option.toLowerCase()),
  );
}

function count(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}
