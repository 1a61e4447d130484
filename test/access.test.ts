// Who gets in, over real sockets: every route with every form of credentials, the rate limit, methods and paths, and
// that no secret ever comes out again.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { ROUTES, type Route } from './harness/routes.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const WITH_TOKEN = ROUTES.filter(({ access }) => access === 'token');
const PUBLIC = ROUTES.filter(({ access }) => access === 'public');

/** Without any headers of the harness. */
async function ask(
  { method, path }: Pick<Route, 'method' | 'path'>,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; text: string; code: string | null }> {
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers,
    ...(method === 'POST' || method === 'PATCH' ? { body: '{}' } : {}),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: /"code":"(\w+)"/.exec(text)?.[1] ?? null,
  };
}

test('the routes of both APIs are known to this test', () => {
  expect(WITH_TOKEN.length).toBeGreaterThanOrEqual(9);
  expect(PUBLIC.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/healthz', '/readyz', '/errors']),
  );
});

describe.each(WITH_TOKEN)('$method $path', (route) => {
  test('is open to the token in either header, with and without a query', async () => {
    const suffixes = ['', '?beta=true', '?a=%2Fhealthz&b'];
    const [first, ...others] = await Promise.all(
      suffixes.flatMap((suffix) => {
        const asked = { ...route, path: route.path + suffix };
        return [
          ask(asked, { authorization: `Bearer ${TOKEN}` }),
          ask(asked, { authorization: `bearer   ${TOKEN} ` }),
          ask(asked, { 'x-api-key': TOKEN }),
        ];
      }),
    );
    expect(first?.status).not.toBe(401);
    expect(first?.code).not.toBe('route_not_found');
    for (const { status, code } of others)
      expect([status, code]).toEqual([first!.status, first!.code]);
  });

  test('is closed to everything else', async () => {
    const closed: [Record<string, string>, string][] = [
      [{}, 'missing_authorization'],
      [{ 'x-api-key': ' ' }, 'missing_authorization'],
      [{ authorization: 'Bearer wrong' }, 'invalid_authorization'],
      [{ 'x-api-key': 'wrong' }, 'invalid_authorization'],
      [{ 'x-api-key': `${TOKEN}x` }, 'invalid_authorization'],
      [{ authorization: 'Bearer' }, 'invalid_authorization'],
      [{ authorization: TOKEN }, 'invalid_authorization'],
      [{ authorization: `Basic ${btoa(`user:${TOKEN}`)}` }, 'invalid_authorization'],
      [{ authorization: 'Bearer wrong', 'x-api-key': TOKEN }, 'invalid_authorization'],
      [{ cookie: `token=${TOKEN}` }, 'missing_authorization'],
    ];
    const replies = await Promise.all(closed.map(([headers]) => ask(route, headers)));
    expect(replies.map(({ status, code }) => [status, code])).toEqual(
      closed.map(([, code]) => [401, code]),
    );
    const inQuery = await ask({ ...route, path: `${route.path}?token=${TOKEN}&api_key=${TOKEN}` });
    expect(inQuery.code).toBe('missing_authorization');
    for (const reply of [...replies, inQuery]) {
      expect(reply.headers.get('www-authenticate')).toBe('Bearer');
      expect(reply.headers.has('x-ratelimit-limit-requests')).toBe(false);
    }
  });

  test('tells on every reply to a known client what is left of its budget', async () => {
    const { headers } = await ask(route, { 'x-api-key': TOKEN });
    expect(headers.get('x-ratelimit-limit-requests')).toBe('100000');
    expect(headers.get('x-ratelimit-remaining-requests')).toMatch(/^\d+$/);
    expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^\d+ms$/);
  });
});

test.each(PUBLIC)('$method $path needs no token, and takes no budget from one', async (route) => {
  const plain = await ask(route);
  const status = route.path.includes('some-id') ? 404 : 200;
  expect(plain.status).toBe(status);
  const wrong = await ask(
    { ...route, path: `${route.path}?x=1` },
    { authorization: 'Bearer wrong' },
  );
  expect(wrong.status).toBe(status);
  expect(wrong.headers.has('x-ratelimit-limit-requests')).toBe(false);
});

describe('a path', () => {
  test('that leads nowhere is 404 to a client, and 401 to a stranger who looks around', async () => {
    const nowhere = { method: 'GET', path: '/v1/completions' };
    expect((await ask(nowhere, { 'x-api-key': TOKEN })).code).toBe('route_not_found');
    expect((await ask(nowhere)).code).toBe('missing_authorization');
    expect((await ask({ method: 'GET', path: '/playground/none' })).code).toBe('route_not_found');
  });

  test.each([
    '/healthz/../v1/models',
    '/healthz/%2e%2e/v1/models',
    '/docs/../v1/info',
    '//v1/models',
    '/v1//models',
    '/V1/models',
    '/v1/models/',
    '/v1/models;/healthz',
    '/v1/models%00',
    '/v1/models?/healthz',
    '/v1%2Fmodels',
  ])('like %s does not lead past the token', async (path) => {
    const { status, text } = await ask({ method: 'GET', path });
    expect(status).toBe(401);
    expect(text).not.toContain('test-model');
  });
});

describe('a method', () => {
  test('that a path does not have is 405 with the ones it has, behind the token where the path is', async () => {
    const token = { 'x-api-key': TOKEN };
    const posted = await ask({ method: 'POST', path: '/v1/models?x=1' }, token);
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const got = await ask({ method: 'GET', path: '/c1/chat' }, token);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
    const put = await ask({ method: 'PUT', path: '/c1/conversations/some-id' }, token);
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, PATCH, DELETE']);
    expect((await ask({ method: 'PUT', path: '/c1/conversations/some-id' })).status).toBe(401);
    expect((await ask({ method: 'DELETE', path: '/healthz' })).status).toBe(405);
  });

  test('HEAD is GET without the body', async () => {
    for (const path of ['/healthz', '/v1/models', '/errors']) {
      const head = await ask({ method: 'HEAD', path }, { 'x-api-key': TOKEN });
      expect([head.status, head.text]).toEqual([200, '']);
      expect(head.headers.get('content-type')).toContain('application/json');
    }
    expect((await ask({ method: 'HEAD', path: '/v1/models' })).status).toBe(401);
  });
});

describe('x-request-id', () => {
  test.each(['req-1', 'a'.repeat(128), 'A.b:c_d-9'])(
    '%s is kept, in the reply, the error and the log',
    async (id) => {
      const { headers, text } = await ask(
        { method: 'GET', path: '/v1/nothing' },
        { 'x-request-id': id, 'x-api-key': TOKEN },
      );
      expect(headers.get('x-request-id')).toBe(id);
      expect(text).toContain(`"request_id":"${id}"`);
      expect(gateway.logText()).toContain(`"request_id":"${id}"`);
    },
  );

  test.each(['a b', 'a'.repeat(129), '"},{"level":60', '<script>', 'é', 'a,b', ''])(
    '%j is replaced by one of our own',
    async (id) => {
      const { headers, text } = await ask(
        { method: 'GET', path: '/v1/nothing' },
        { 'x-request-id': id },
      );
      expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
      expect(text).toContain(`"request_id":"${headers.get('x-request-id')}"`);
    },
  );

  test('differs from request to request', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () =>
        (await ask({ method: 'GET', path: '/healthz' })).headers.get('x-request-id'),
      ),
    );
    expect(new Set(ids).size).toBe(20);
  });
});

describe('the rate limit', () => {
  test('refuses what exceeds the burst, says when to come back, and keeps its word', async () => {
    const limited = await startGateway(
      configFor(upstream, 'limits: { rate_per_second: 4, burst: 3 }'),
    );
    try {
      const replies = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          // Both headers are one client.
          limited.request('/v1/models', index % 2 ? {} : { headers: { 'x-api-key': TOKEN } }),
        ),
      );
      const allowed = replies.filter(({ status }) => status === 200);
      const refused = replies.filter(({ status }) => status === 429);
      expect(allowed.length).toBeGreaterThanOrEqual(3);
      expect(refused.length).toBeGreaterThan(0);
      expect(allowed.length + refused.length).toBe(12);
      for (const { headers } of refused) {
        expect(headers.get('x-ratelimit-limit-requests')).toBe('3');
        expect(headers.get('x-ratelimit-remaining-requests')).toBe('0');
        expect(Number(headers.get('retry-after-ms'))).toBeWithin(1, 251);
        expect(headers.get('retry-after')).toBe('1');
      }
      const waits = refused.map(({ headers }) => Number(headers.get('retry-after-ms')));
      // Nobody asks meanwhile, so by then there is one request for whoever comes first.
      await Bun.sleep(Math.max(...waits));
      expect((await limited.request('/v1/models')).status).toBe(200);
    } finally {
      await limited.close();
    }
  });

  test('counts nobody who could not say who they are', async () => {
    const limited = await startGateway(
      configFor(upstream, 'limits: { rate_per_second: 1, burst: 1 }'),
    );
    try {
      for (let count = 0; count < 5; count++) {
        const headers = { authorization: 'Bearer wrong' };
        expect((await limited.request('/v1/models', { headers })).status).toBe(401);
        expect((await fetch(`${limited.url}/healthz`)).status).toBe(200);
      }
      expect((await limited.request('/v1/models')).status).toBe(200);
    } finally {
      await limited.close();
    }
  });
});
