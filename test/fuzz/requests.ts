// Requests made of the OpenAPI document's own examples, with anything wrong with them that a program or a person can
// get wrong: each is answered in time, as the document says, with a code of the catalogue where it is refused, and
// never with a fault of the gateway.
import { expect } from 'bun:test';
import fc from 'fast-check';
import type { GatewayProcess } from '../harness/gateway.ts';
import type { PlacedOperation, ReplyChecker } from '../harness/openapi.ts';
import { tryMany, type FuzzOptions } from './fuzz.ts';
import { mutated, mutations, type Mutation } from './mutate.ts';
import { spoilt, spoilings, type Spoiling } from './spoil.ts';

export interface RequestsTarget {
  readonly operations: readonly PlacedOperation[];
  readonly checker: Pick<ReplyChecker, 'faultsOf'>;
  readonly gateway: Pick<GatewayProcess, 'request'>;
  /** Names that exist, by the name of the parameter or member that takes them; some stand for what is there just then. */
  readonly known: ReadonlyMap<string, readonly string[]>;
  /** What such a name stands for. */
  resolve(name: string): string;
  /** A conversation may be gone. */
  renew(): Promise<void>;
}

interface Wish {
  readonly operation: PlacedOperation;
  readonly method: string | null;
  readonly path: readonly string[];
  readonly query: readonly (readonly [string, string])[];
  readonly headers: readonly (readonly [string, string])[];
  readonly example: number;
  readonly spoilings: readonly Spoiling[];
  readonly bytes: readonly Mutation[];
}

const ODD_TEXTS = [
  '',
  ' ',
  '0',
  '-1',
  '1e400',
  '99999999999999999999',
  'null',
  'true',
  '../..',
  '%00',
  '__proto__',
  'constructor',
  "'; DROP TABLE turn; --",
  '%',
  '_',
  'ä\u2028\uFFFD',
  '👩‍👧',
  'x'.repeat(5_000),
];

const oddText = fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.string({ maxLength: 20 }));
const ODD_HEADERS: readonly (readonly [string, string])[] = [
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', 'application/jsonl'],
  ['content-type', ''],
  ['content-encoding', 'gzip'],
  ['idempotency-key', 'k'],
  ['idempotency-key', 'x'.repeat(300)],
  ['idempotency-key', 'a b'],
  ['last-event-id', 'turn_none.7'],
  ['last-event-id', '-1'],
  ['x-request-id', 'x'.repeat(300)],
  ['x-request-id', '\u00e4 <script>'],
  ['accept', 'image/png'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '*'],
  ['if-modified-since', 'never'],
  ['origin', 'http://evil.example'],
  ['authorization', 'Bearer wrong'],
  ['authorization', 'Basic eDp5'],
  ['x-forwarded-for', '1.2.3.4, ::1'],
  ['expect', '100-continue'],
  ['x-http-method-override', 'DELETE'],
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'] as const;

function wishes({ operations, known }: RequestsTarget): fc.Arbitrary<Wish> {
  const params = (at: 'path' | 'query', { parameters = [] }: PlacedOperation) =>
    parameters.filter((parameter) => parameter.in === at).map(({ name }) => name);
  // Where a body is taken there is more to get wrong.
  const weighted = operations.flatMap((each) =>
    Array<PlacedOperation>(each.requestBody ? 6 : 1).fill(each),
  );
  return fc.constantFrom(...weighted).chain((operation) => {
    const value = (name: string) =>
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...(known.get(name) ?? ['none'])) },
        { weight: 1, arbitrary: oddText },
      );
    const queries = [...params('query', operation), 'unknown', '__proto__'];
    return fc.record({
      operation: fc.constant(operation),
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
      ),
      path: fc.tuple(...params('path', operation).map(value)),
      query: fc.array(
        fc.constantFrom(...queries).chain((name) => fc.tuple(fc.constant(name), value(name))),
        { maxLength: 3 },
      ),
      headers: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(fc.constantFrom(...ODD_HEADERS), { maxLength: 2 }) },
      ),
      example: fc.nat(20),
      spoilings: fc.array(spoilings, { maxLength: 3 }),
      bytes: fc.oneof(
        { weight: 5, arbitrary: fc.constant<readonly Mutation[]>([]) },
        { weight: 1, arbitrary: mutations },
      ),
    });
  });
}

/** A hang is a failure. */
const PATIENCE_MS = 15_000;

export async function fuzzRequests(target: RequestsTarget, options: FuzzOptions): Promise<void> {
  const { gateway, checker } = target;
  await tryMany(wishes(target), {
    ...options,
    async check(wish) {
      const { operation } = wish;
      const method = wish.method ?? operation.method;
      const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(wish, target);
      const response = await gateway.request(urlOf(wish, target), {
        method,
        headers: { 'content-type': typeOf(operation), ...Object.fromEntries(wish.headers) },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await response.text();
      expect(response.status).toBeLessThan(500);
      if (response.status >= 400 && method !== 'HEAD') expectEnvelope(response, text);
      const isHeld = method === operation.method && isPlain(wish);
      if (isHeld) expect(checker.faultsOf(operation.operationId, response, text)).toEqual([]);
      if (method === 'DELETE') await target.renew();
    },
  });
}

/** Whether the path is the operation's own, and not one that an odd parameter makes another of. */
function isPlain({ path, headers }: Wish): boolean {
  return (
    path.every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part)) &&
    !headers.some(([name]) => name === 'range')
  );
}

function typeOf({ requestBody }: PlacedOperation): string {
  return Object.keys(requestBody?.content ?? {})[0] ?? 'application/json';
}

function urlOf(
  { operation, path, query }: Wish,
  { resolve }: Pick<RequestsTarget, 'resolve'>,
): string {
  let at = 0;
  const filled = operation.path.replaceAll(/\{[^}]*\}/g, () =>
    encodeURIComponent(resolve(path[at++] ?? 'none').toWellFormed()),
  );
  const search = query.map(
    ([name, value]) =>
      `${encodeURIComponent(name)}=${encodeURIComponent(resolve(value).toWellFormed())}`,
  );
  return search.length === 0 ? filled : `${filled}?${search.join('&')}`;
}

function bodyOf(wish: Wish, target: RequestsTarget): Uint8Array | undefined {
  const { operation, example } = wish;
  const [content] = Object.values(operation.requestBody?.content ?? {});
  const values = Object.values(content?.examples ?? {}).flatMap(({ value }) =>
    value === undefined ? [] : [value],
  );
  const value = values[example % Math.max(1, values.length)];
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : spoilt(withKnown(value, target), wish.spoilings);
  return mutated(Buffer.from(text), wish.bytes);
}

/** The example with names that exist here: it has to be right before anything is made wrong with it. */
function withKnown(value: unknown, { known, resolve }: RequestsTarget): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      typeof each === 'string' ? resolve(known.get(key)?.[0] ?? each) : each,
    ]),
  );
}

function expectEnvelope(response: Response, text: string): void {
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  expect(Object.keys(error).toSorted()).toEqual([
    'code',
    'message',
    'param',
    'request_id',
    'retryable',
    'type',
  ]);
  expect(error['request_id']).toBe(response.headers.get('x-request-id') ?? 'none');
}
