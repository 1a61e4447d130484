// The OpenAPI document as the reader needs it, and the few questions that its views ask of it.

export interface Schema {
  readonly $ref?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxProperties?: number;
  readonly contentSchema?: Schema;
}

export interface Example {
  readonly $ref?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly value?: unknown;
}

export interface Content {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, Example>>;
}

export interface Header {
  readonly $ref?: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

export interface Reply {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Readonly<Record<string, Content>>;
}

export interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: Schema;
  readonly example?: unknown;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly description?: string;
    readonly content: Readonly<Record<string, Content>>;
  };
  readonly responses: Readonly<Record<string, Reply>>;
}

export interface Api {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly summary: string;
    readonly description: string;
  };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

export interface Placed {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
}

/** The operations of each group, in the document's order. */
export function groupsOf({
  tags,
  paths,
}: Api): { name: string; description: string; placed: Placed[] }[] {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]): Placed => ({ operation, method: method.toUpperCase(), path })),
  );
  return tags.map(({ name, description }) => ({
    name,
    description,
    placed: all.filter(({ operation }) => operation.tags.includes(name)),
  }));
}

/** What a reference leads to, or the thing itself. */
export function resolved<T extends { readonly $ref?: string }>(api: Api, thing: T): T {
  if (thing.$ref === undefined) return thing;
  const [, , kind = '', name = ''] = thing.$ref.split('/');
  return { ...(api.components[kind]?.[name] as T), ...withoutRef(thing) };
}

/** What stands beside a reference goes before what it leads to. */
function withoutRef<T extends object>(thing: T): Partial<T> {
  return Object.fromEntries(Object.entries(thing).filter(([key]) => key !== '$ref')) as Partial<T>;
}

/** A type in a few words: `string or null`, `list of Message`. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['anything']);
  return types
    .map((type) => (type === 'array' && schema.items ? `list of ${typeOf(schema.items)}` : type))
    .join(' or ');
}

/** What else a value has to be. */
export function limitsOf(schema: Schema): string[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxProperties, pattern } = schema;
  const limits: (string | false)[] = [
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
    minimum !== undefined && `at least ${minimum}`,
    maximum !== undefined && `at most ${maximum}`,
    minLength !== undefined && (minLength === 1 ? 'not empty' : `at least ${minLength} characters`),
    maxLength !== undefined && `at most ${maxLength} characters`,
    minItems !== undefined && 'not empty',
    maxProperties !== undefined && `at most ${maxProperties}`,
    pattern !== undefined && `matches ${pattern}`,
  ];
  return limits.filter((limit) => limit !== false);
}

/** The schemas below one that have fields of their own, each with what it is. */
export function fieldsBelow(api: Api, schema: Schema): { label: string; schema: Schema }[] {
  const found = new Map<string, Schema>();
  const look = (each: Schema, depth: number): void => {
    const whole = resolved(api, each);
    if (whole.properties && Object.keys(whole.properties).length > 0)
      found.set(each.$ref ? typeOf(each) : (whole.description ?? typeOf(each)), whole);
    if (depth > 3) return;
    const inner = [...(whole.anyOf ?? []), ...(whole.oneOf ?? [])];
    if (whole.items) inner.push(whole.items);
    if (whole.contentSchema) inner.push(whole.contentSchema);
    for (const next of inner) look(next, depth + 1);
  };
  look(schema, 0);
  return [...found].map(([label, each]) => ({ label, schema: each }));
}
