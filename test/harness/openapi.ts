// The OpenAPI document as tests read it: its operations, and whether a real reply is one that it tells of. Stricter
// than a client: a member, a header or a code that the document does not name is a fault.
import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import { framesOf } from './c1.ts';

export type Json = { readonly [member: string]: unknown };

export interface DocumentedContent {
  readonly schema: Json & { readonly contentSchema?: Json };
  readonly examples: Readonly<Record<string, { readonly value?: unknown; readonly $ref?: string }>>;
}

export interface DocumentedReply {
  readonly description: string;
  readonly headers: Readonly<Record<string, Json>>;
  readonly content?: Readonly<Record<string, DocumentedContent>>;
  readonly 'x-error-codes'?: readonly string[];
}

export interface DocumentedParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly example?: unknown;
  readonly schema: Json;
}

export interface DocumentedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security?: readonly Json[];
  readonly parameters?: readonly DocumentedParameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, DocumentedContent>>;
  };
  readonly responses: Readonly<Record<string, DocumentedReply>>;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly info: Json;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

export interface PlacedOperation extends DocumentedOperation {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
}

export function operationsOf({ paths }: ApiDocument): PlacedOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  );
}

/** What belongs to the connection, and content-type, which the document tells of by itself. */
const OF_HTTP = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
]);

export interface ReplyChecker {
  /** What of a reply the document does not tell of; nothing if all is well. */
  faultsOf(operationId: string, response: Response, text: string): string[];
  /** What of a value does not fit a schema, in words. */
  valueFaults(schema: Json, value: unknown): string[];
  /** Which replies have been seen so far: `operation status code-or-media-type`. */
  readonly seen: ReadonlySet<string>;
  /** All that the document tells of, in the same form. */
  readonly told: readonly string[];
}

export function createReplyChecker(document: ApiDocument): ReplyChecker {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const components = closed(document.components) as ApiDocument['components'];
  ajv.addSchema({ $id: '/api', components });
  const operations = new Map(operationsOf(document).map((each) => [each.operationId, each]));
  const seen = new Set<string>();
  const compiled = new Map<string, ValidateFunction>();

  function valueFaults(schema: Json, value: unknown): string[] {
    const text = JSON.stringify(closed(schema)).replaceAll('"#/components/', '"/api#/components/');
    const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text) as Json);
    compiled.set(text, validate);
    return validate(value) ? [] : (validate.errors ?? []).map(inWords);
  }

  function headerFaults(told: DocumentedReply, headers: Headers): string[] {
    const described = Object.entries(told.headers).map(([name, header]) => ({
      name,
      header: resolved(header, document),
      value: headers.get(name),
    }));
    return [
      ...[...headers.keys()]
        .filter((name) => !OF_HTTP.has(name) && !(name in told.headers))
        .map((name) => `sent the header ${name}`),
      ...described.flatMap(({ name, header, value }) => {
        if (value === null) return header['required'] === true ? [`lacks the header ${name}`] : [];
        const schema = header['schema'] as Json;
        const typed = schema['type'] === 'integer' ? Number(value) : value;
        return valueFaults(schema, typed).map((fault) => `header ${name}: ${fault}`);
      }),
    ];
  }

  function bodyFaults(mediaType: string, schema: DocumentedContent['schema'], text: string) {
    const items = itemsOf(mediaType, text);
    if (items === null) return valueFaults(schema, parsed(mediaType, text));
    const { contentSchema = {} } = schema;
    const faults = items.flatMap((item) => valueFaults(contentSchema, JSON.parse(item)));
    return [...new Set(faults)];
  }

  return {
    faultsOf(operationId, response, text) {
      const responses = operations.get(operationId)?.responses ?? {};
      const { status, headers } = response;
      const key = String(status) in responses ? String(status) : `${String(status)[0]}XX`;
      const told = responses[key];
      if (!told) return [`answered ${status}: ${text.slice(0, 200)}`];
      const mediaType = (headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
      const codes = told['x-error-codes'];
      const isError = codes && mediaType === 'application/json';
      const code = isError ? codeIn(text) : seenAs(told, mediaType);
      seen.add(`${operationId} ${key} ${code}`.trim());
      const faults = headerFaults(told, headers);
      if (isError && !codes.includes(code)) faults.push(`answered ${status} ${code}`);
      if (!told.content) return text === '' ? faults : [...faults, 'sent a body'];
      const content = told.content[mediaType] ?? told.content['*/*'];
      if (!content) return [...faults, `sent ${mediaType}`];
      return [...faults, ...bodyFaults(mediaType, content.schema, text)];
    },
    valueFaults,
    seen,
    told: [...operations.values()].flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content, 'x-error-codes': codes = [] }]) =>
        [...codes, ...typesOf(content, codes)].map((what) =>
          `${operationId} ${status} ${what}`.trim(),
        ),
      ),
    ),
  };
}

/** Error replies are told apart by their codes. */
function typesOf(content: DocumentedReply['content'], codes: readonly string[]): string[] {
  const types = content ? Object.keys(content) : [''];
  return codes.length === 0 ? types : types.filter((type) => type !== 'application/json');
}

function seenAs({ content }: DocumentedReply, mediaType: string): string {
  if (!content) return '';
  return content[mediaType] === undefined && '*/*' in content ? '*/*' : mediaType;
}

/** The data of a stream's events or the lines of a file; null for what is one text. */
export function itemsOf(mediaType: string, text: string): string[] | null {
  if (mediaType === 'application/jsonl') return text.split('\n').filter((line) => line !== '');
  if (mediaType !== 'text/event-stream') return null;
  return framesOf(text)
    .map(({ data }) => data)
    .filter((data) => data !== '[DONE]');
}

export function parsed(mediaType: string, text: string): unknown {
  return mediaType === 'application/json' ? (JSON.parse(text) as unknown) : text;
}

export function resolved(part: Json, document: ApiDocument): Json {
  const { $ref } = part;
  if (typeof $ref !== 'string') return part;
  const [, , kind = '', name = ''] = $ref.split('/');
  const found = document.components[kind]?.[name];
  if (!found) throw new TypeError(`${$ref} leads nowhere`);
  return found;
}

function codeIn(text: string): string {
  return /"code":"(\w+)"/.exec(text)?.[1] ?? 'no code';
}

function inWords({ instancePath, message, params }: ErrorObject): string {
  const more = 'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : '';
  return `${instancePath.replaceAll(/\/\d+/g, '/*')} ${message}${more}`.trim();
}

/** The same schemas with every object closed that does not say that it is open. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  const isObjectSchema = typeof copy['properties'] === 'object' && copy['type'] !== undefined;
  return isObjectSchema && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}
