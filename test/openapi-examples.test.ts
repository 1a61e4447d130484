// The examples of the OpenAPI document are true: each fits its schema, and each request is sent as it is written, to a
// gateway in front of the demo engine, and succeeds.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startDemoEngine } from '../src/demo/engine.ts';
import { ERROR_CATALOGUE } from '../src/domain/error-catalogue.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import {
  createReplyChecker,
  itemsOf,
  operationsOf,
  resolved,
  type ApiDocument,
  type DocumentedContent,
  type Json,
  type PlacedOperation,
  type ReplyChecker,
} from './harness/openapi.ts';

let engine: ReturnType<typeof startDemoEngine>;
let gateway: TestGateway;
let document: ApiDocument;
let checker: ReplyChecker;
beforeAll(async () => {
  engine = startDemoEngine({ tokenDelayMs: 0 });
  gateway = await startGateway(`
catalogue: replace
upstreams: { demo: { kind: openai, base_url: ${engine.url} } }
models:
  llama-4-scout:
    modalities: { input: [text, image] }
    targets: [{ upstream: demo, model: demo }]
  image-gen:
    modalities: { input: [text], output: [text, image] }
    capabilities: { image_generation: true }
    targets: [{ upstream: demo, model: demo-image }]
`);
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as ApiDocument;
  checker = createReplyChecker(document);
});
afterAll(async () => {
  await gateway.close();
  await engine.close();
});

/** The values of the examples of a body, with the names that they go by. */
function examplesOf({ examples }: DocumentedContent): { name: string; value: unknown }[] {
  return Object.entries(examples).map(([name, example]) => ({
    name,
    value: resolved(example, document)['value'],
  }));
}

function faultsOf(mediaType: string, content: DocumentedContent): string[] {
  const { contentSchema } = content.schema;
  return examplesOf(content).flatMap(({ name, value }) => {
    const items = typeof value === 'string' ? itemsOf(mediaType, value) : null;
    const faults =
      items === null || !contentSchema
        ? checker.valueFaults(content.schema, value)
        : items.flatMap((item) => checker.valueFaults(contentSchema, JSON.parse(item)));
    return faults.map((fault) => `${name}: ${fault}`);
  });
}

describe('every example', () => {
  test('of a request and of a reply fits its schema', () => {
    let count = 0;
    const faults = operationsOf(document).flatMap(({ operationId, requestBody, responses }) => {
      const contents = [requestBody, ...Object.values(responses)].flatMap((part) =>
        Object.entries(part?.content ?? {}),
      );
      count += contents.length;
      return contents.flatMap(([mediaType, content]) =>
        faultsOf(mediaType, content).map((fault) => `${operationId}: ${fault}`),
      );
    });
    expect(faults).toEqual([]);
    expect(count).toBeGreaterThan(100);
  });

  test('of a parameter and of a header fits its schema', () => {
    const parts = operationsOf(document).flatMap(({ parameters = [], responses }) => [
      ...parameters,
      ...Object.values(responses).flatMap(({ headers }) =>
        Object.values(headers).map((header) => resolved(header, document)),
      ),
    ]);
    const faults = parts
      .filter((part) => 'example' in part)
      .flatMap((part) => checker.valueFaults(part['schema'] as Json, part['example']));
    expect(faults).toEqual([]);
  });

  test('of an error is the one that the catalogue has', () => {
    const examples = Object.entries(document.components['examples'] ?? {});
    expect(examples.length).toBeGreaterThan(25);
    for (const [code, { value }] of examples) {
      const { type, retryable } = ERROR_CATALOGUE[code as keyof typeof ERROR_CATALOGUE];
      expect(value).toMatchObject({ error: { code, type, retryable } });
    }
  });
});

/** The path and the query as the examples of the parameters have them. */
function targetOf({ path, parameters = [] }: PlacedOperation): string {
  const known = parameters.filter(({ example }) => example !== undefined);
  const query = known
    .filter(({ in: place }) => place === 'query')
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
    .join('&');
  const filled = known
    .filter(({ in: place }) => place === 'path')
    .reduce((text, { name, example }) => text.replace(`{${name}}`, String(example)), path);
  return query === '' ? filled : `${filled}?${query}`;
}

interface Sent {
  readonly name: string;
  readonly operation: PlacedOperation;
  readonly init: { method: string; body?: unknown; headers?: Record<string, string> };
}

/** What the pages of the site are called is not in the document. */
function hasIds(operation: PlacedOperation): boolean {
  return !targetOf(operation).includes('{');
}

/** Every request that the document writes out: the import first, as the others are about what it brings. */
function requests(): Sent[] {
  const all = operationsOf(document)
    .filter(hasIds)
    .flatMap((operation): Sent[] => {
      const { operationId, method, requestBody } = operation;
      if (!requestBody) return [{ name: operationId, operation, init: { method } }];
      return Object.entries(requestBody.content).flatMap(([mediaType, content]) =>
        examplesOf(content).map(({ name, value }) => ({
          name: `${operationId}: ${name}`,
          operation,
          init: { method, body: value, headers: { 'content-type': mediaType } },
        })),
      );
    });
  const rank = ({ method, operationId }: PlacedOperation) =>
    operationId === 'importConversation' ? 0 : method === 'DELETE' ? 2 : 1;
  return all.toSorted((a, b) => rank(a.operation) - rank(b.operation));
}

test('every request is sent as it is written, and answered as the document tells', async () => {
  const sent = requests();
  expect(sent.length).toBeGreaterThan(30);
  for (const { name, operation, init } of sent) {
    const response = await gateway.request(targetOf(operation), init);
    const text = await response.text();
    expect([name, response.ok, text]).toEqual([name, true, text]);
    const faults = checker.faultsOf(operation.operationId, response, text);
    expect({ name, faults }).toEqual({ name, faults: [] });
  }
});

test('the conversation of the examples is the one that they tell of', async () => {
  const byId = new Map(operationsOf(document).map((each) => [each.operationId, each]));
  const example = (id: string, status: string, mediaType = 'application/json') => {
    const content = byId.get(id)?.responses[status]?.content?.[mediaType];
    return content ? examplesOf(content)[0]?.value : undefined;
  };
  const archive = example('exportConversation', '200', 'application/jsonl');
  const headers = { 'content-type': 'application/jsonl' };
  const imported = await gateway.request('/c1/import', { body: archive, headers });
  expect(await imported.json()).toEqual(example('importConversation', '201'));
  const read = async (id: string) => {
    const operation = byId.get(id);
    if (!operation) throw new TypeError(id);
    return await gateway.request(targetOf(operation).replace(/\?.*/, ''));
  };
  expect(await (await read('getConversation')).json()).toEqual(example('getConversation', '200'));
  expect(await (await read('getTurn')).json()).toEqual(example('getTurn', '200'));
  expect(await (await read('exportConversation')).text()).toBe(String(archive));
});

test('the request of the introduction runs in a shell, as it is written', async () => {
  const [, code = ''] = /```sh\n(.*?)```/s.exec(String(document.info['description'])) ?? [];
  const script = code.replace('http://127.0.0.1:3000', gateway.url);
  const child = Bun.spawn(['bash', '-c', script], {
    env: { PATH: process.env['PATH'], BEARER: TOKEN },
    stdout: 'pipe',
    stderr: 'ignore',
  });
  expect(await new Response(child.stdout).text()).toContain('"content":"Rome."');
});
