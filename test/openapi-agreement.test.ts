// The schemas of the OpenAPI document and the gateway's own checks agree: what one calls wrong, the other refuses.
// Bodies and queries are changed in every field that the gateway acts on, and both are asked. Where they cannot agree,
// the reason is given.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import {
  createReplyChecker,
  operationsOf,
  type ApiDocument,
  type Json,
  type PlacedOperation,
  type ReplyChecker,
} from './harness/openapi.ts';
import { newConversation, samples, type Ids } from './harness/openapi-samples.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
let document: ApiDocument;
let checker: ReplyChecker;
let ids: Ids;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as ApiDocument;
  checker = createReplyChecker(document);
  ids = await newConversation(gateway);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const PNG = `data:image/png;base64,${Buffer.from('89504e470d0a1a0a', 'hex').toString('base64')}`;
// prettier-ignore
const VALUES: readonly unknown[] = [
  undefined, null, true, 0, 1, -1, 1.5, '', 'x', ' ', 'auto', 'cancel', PNG,
  [], [null], ['x'], [1], [PNG], [[]], [{}], {}, { a: 1 }, { type: 1 }, { type: 'text' },
];
const IDS = 'an id of nothing: right in its form';

/** A wrong value of a field that is right in its form, by what it is refused for. */
const FORM_ONLY: Readonly<Record<string, string>> = {
  model: 'the aliases are not in the document',
  provider: 'the upstreams of the alias are not in the document',
  parent: 'needs conversation_id, and a message that there is',
  message: 'needed unless something else says what to answer',
  tool_results: 'answers calls, of which there are none here',
  head: IDS,
  node: IDS,
  title: 'spaces at its ends do not count',
};

function operationOf(operationId: string): PlacedOperation {
  const found = operationsOf(document).find((each) => each.operationId === operationId);
  if (!found) throw new TypeError(operationId);
  return found;
}

/** Fields of a body that the gateway acts on; the rest is carried as it is. */
function actedOn(schema: Json): string[] {
  const name = String(schema['$ref']).split('/').at(-1) ?? '';
  const { properties } = document.components['schemas']?.[name] ?? {};
  return Object.entries(properties as Readonly<Record<string, Json>>)
    .filter(([, { description }]) => !String(description).startsWith('Carried to the upstream'))
    .map(([field]) => field);
}

interface Opinion {
  readonly sent: string;
  readonly document: string;
  readonly gateway: string;
}

/** What both say of a body, if they do not agree. */
async function disagreement(operationId: string, field: string, body: object): Promise<Opinion[]> {
  const schema = operationOf(operationId).requestBody?.content['application/json']?.schema ?? {};
  const sample = samples(ids)[operationId];
  if (!sample) throw new TypeError(operationId);
  const faults = checker.valueFaults(schema, JSON.parse(JSON.stringify(body)));
  const response = await gateway.request(sample.path, { ...sample, body });
  const text = await response.text();
  const refused = response.status === 400;
  if (refused === faults.length > 0) return [];
  if (refused && field in FORM_ONLY && !faults.length) return [];
  return [{ sent: JSON.stringify(body), document: faults.join(), gateway: text.slice(0, 300) }];
}

describe.each(['createChatCompletion', 'sendMessage', 'updateConversation', 'forkConversation'])(
  'a body of %s',
  (operationId) => {
    test('with a changed field is wrong for both or for neither', async () => {
      const { requestBody } = operationOf(operationId);
      const fields = actedOn(requestBody?.content['application/json']?.schema ?? {});
      expect(fields.length).toBeGreaterThan(2);
      const valid = samples(ids)[operationId]?.body as object;
      const opinions: Opinion[] = [];
      for (const field of [...fields, 'unknown_field']) {
        for (const value of VALUES) {
          // The parts of a tool are the upstream's business: only the list is looked at.
          if (field === 'tools' && Array.isArray(value) && value.length > 0) continue;
          // A stream of the fake is none.
          if (field === 'stream' && value === true) continue;
          const body = { ...valid, [field]: value };
          opinions.push(...(await disagreement(operationId, field, body)));
        }
      }
      expect(opinions).toEqual([]);
    });
  },
);

/** Parts of a message, right and wrong. */
const PARTS: readonly unknown[] = [
  ...VALUES,
  { type: 'text', text: 'x' },
  { type: 'text', text: 1 },
  { type: 'image_url' },
  { type: 'image_url', image_url: 'x' },
  { type: 'image_url', image_url: {} },
  { type: 'image_url', image_url: { url: 1 } },
  { type: 'image_url', image_url: { url: PNG } },
  { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
  { type: 'unheard_of', more: 1 },
];

describe('a message', () => {
  test('of /v1 is wrong for both or for neither', async () => {
    const messages = [
      ...VALUES,
      ...VALUES.map((role) => ({ role, content: 'x' })),
      ...VALUES.map((content) => ({ role: 'user', content })),
      ...PARTS.map((part) => ({ role: 'user', content: [part] })),
    ];
    for (const message of messages) {
      const body = { model: 'test-model', messages: [message] };
      expect(await disagreement('createChatCompletion', 'messages', body)).toEqual([]);
    }
  });

  test('of /c1 is wrong for both or for neither', async () => {
    for (const part of PARTS) {
      const body = { model: 'test-model', message: [part] };
      expect(await disagreement('sendMessage', 'parts', body)).toEqual([]);
    }
  });
});

describe('a query', () => {
  const TEXTS = ['', '0', '1', '-1', '2', '100', '101', '1.5', '1e2', 'x', ' ', '0x1'];
  const LONG = 'x'.repeat(300);

  test.each(['listConversations', 'getConversation', 'followTurn'])(
    'of %s is wrong for both or for neither',
    async (operationId) => {
      const { parameters = [] } = operationOf(operationId);
      const path = samples(ids)[operationId]?.path ?? '';
      for (const { name, schema } of parameters.filter(({ in: place }) => place === 'query')) {
        for (const value of [...TEXTS, LONG, LONG + LONG]) {
          const isNumber = schema['type'] === 'integer';
          // As a number is written: Number() would take more.
          const typed = isNumber && /^-?\d+$/.test(value) ? Number(value) : value;
          const wrong = checker.valueFaults(schema, typed).length > 0;
          const query = `${name}=${encodeURIComponent(value)}`;
          const response = await gateway.request(`${path}?${query}`);
          await response.body?.cancel();
          expect([query, response.status === 400]).toEqual([query, wrong]);
        }
      }
    },
  );
});

test('what is called right in its form is in the document', () => {
  const fields = ['sendMessage', 'updateConversation', 'forkConversation'].flatMap((operationId) =>
    actedOn(operationOf(operationId).requestBody?.content['application/json']?.schema ?? {}),
  );
  expect(Object.keys(FORM_ONLY).filter((field) => !fields.includes(field))).toEqual([]);
});
