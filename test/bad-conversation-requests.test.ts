// PATCH bodies and queries of /c1/conversations that are wrong: refused with the field at fault, nothing changed.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
let path: string;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  const response = await gateway.request('/c1/chat', {
    body: { model: 'test-model', message: 'A title to keep' },
  });
  await response.text();
  path = `/c1/conversations/${response.headers.get('x-conversation-id')}`;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

type Fault = [status: number, code: string, param: string | null];

async function fault(
  target: string,
  init: { method?: string; body?: unknown } = {},
): Promise<Fault> {
  const response = await gateway.request(target, init);
  const { error } = (await response.json()) as { error: { code: string; param: string | null } };
  return [response.status, error.code, error.param];
}

describe('PATCH /c1/conversations/{id} refuses', () => {
  test.each<[unknown, string, string | null]>([
    ['', 'invalid_json', null],
    ['[]', 'invalid_json', null],
    ['{"title":"a","title":"b"}', 'invalid_json', 'title'],
    [{}, 'missing_field', 'title'],
    [{ title: '' }, 'invalid_field', 'title'],
    [{ title: ' \n ' }, 'invalid_field', 'title'],
    [{ title: 5 }, 'invalid_field', 'title'],
    [{ title: 't'.repeat(201) }, 'invalid_field', 'title'],
    [{ metadata: null }, 'invalid_field', 'metadata'],
    [{ metadata: [] }, 'invalid_field', 'metadata'],
    [{ metadata: 'x' }, 'invalid_field', 'metadata'],
    [{ metadata: { a: 1 } }, 'invalid_field', 'metadata.a'],
    [{ metadata: { a: 'x'.repeat(513) } }, 'invalid_field', 'metadata.a'],
    [
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, key) => [`k${key}`, 'v'])) },
      'invalid_field',
      'metadata',
    ],
    [{ title: 'x', user_id: 5 }, 'invalid_field', 'user_id'],
    [{ title: 'x', user_id: '' }, 'invalid_field', 'user_id'],
  ])('%j', async (body, code, param) => {
    expect(await fault(path, { method: 'PATCH', body })).toEqual([400, code, param]);
  });

  test.each<[unknown, string]>([
    [{ title: 'x', owner: 'me' }, 'owner'],
    [{ title: 'x', head: null }, 'head'],
    ['{"title":"x","__proto__":{"owner":"me"}}', '__proto__'],
    ['{"title":"x","constructor":1}', 'constructor'],
  ])('the field of %j that it does not know', async (body, name) => {
    expect(await fault(path, { method: 'PATCH', body })).toEqual([400, 'invalid_field', name]);
  });

  test('a change to a conversation of somebody else as if there were none', async () => {
    const body = { title: 'x', user_id: 'somebody' };
    const expected: Fault = [404, 'conversation_not_found', 'conversation_id'];
    expect(await fault(path, { method: 'PATCH', body })).toEqual(expected);
    const unknown = '/c1/conversations/conv_unknown';
    expect(await fault(unknown, { method: 'PATCH', body: { title: 'x' } })).toEqual(expected);
  });

  test('and has changed nothing after all of it', async () => {
    const conversation = (await (await gateway.request(path)).json()) as Record<string, unknown>;
    expect(conversation).toMatchObject({ title: 'A title to keep', metadata: {} });
  });
});

describe('GET /c1/conversations refuses', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=%2010', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['offset=-1', 'offset'],
    ['offset=abc', 'offset'],
    ['offset=99999999999999999999', 'offset'],
    ['user_id=', 'user_id'],
    [`user_id=${'u'.repeat(257)}`, 'user_id'],
    [`q=${'q'.repeat(501)}`, 'q'],
  ])('?%s', async (query, param) => {
    const target = `/c1/conversations?${query}`;
    expect(await fault(target)).toEqual([400, 'invalid_field', param]);
  });

  test.each([
    'limit=1',
    'limit=100',
    'limit=007',
    'offset=0',
    'offset=999999999999999',
    'q=',
    'q=%20',
    'q=%25_%27%22%5C%00*()AND+OR+NEAR',
    'q=%F0%9F%98%80',
    'user_id=%27%3B+DROP+TABLE+conversation%3B--',
    'unknown=1',
    '',
  ])('?%s not', async (query) => {
    const response = await gateway.request(`/c1/conversations?${query}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toHaveProperty('items');
  });
});

test('an id that is none is not found, whatever it holds', async () => {
  for (const id of [
    'conv_unknown',
    '%00',
    '%27%20OR%201=1--',
    '..%2F..%2Fetc',
    'x'.repeat(2000),
    '%zz',
    '%ff',
  ]) {
    for (const method of ['GET', 'DELETE']) {
      expect(await fault(`/c1/conversations/${id}`, { method })).toEqual([
        404,
        'conversation_not_found',
        'conversation_id',
      ]);
    }
  }
});
