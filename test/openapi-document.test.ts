// The OpenAPI document tells of every route and of nothing else, passes a linter, and is served to anybody.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import packageJson from '../package.json' with { type: 'json' };
import { ERROR_CATALOGUE } from '../src/domain/error-catalogue.ts';
import { openApiDocument, type ServedRoute } from '../src/http/openapi/document.ts';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { operationsOf, type ApiDocument } from './harness/openapi.ts';
import { ROUTES } from './harness/routes.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
let text: string;
let document: ApiDocument;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  text = await (await fetch(`${gateway.url}/openapi.json`)).text();
  document = JSON.parse(text) as ApiDocument;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** What the linter says, by its recommended rules: errors and warnings. */
async function lint(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config });
  return problems.map(
    ({ severity, ruleId, message, location }) =>
      `${severity} ${ruleId}: ${message} at ${location[0]?.pointer}`,
  );
}

describe('the document', () => {
  test('is served to anybody, as JSON, with a name for its version', async () => {
    const response = await fetch(`${gateway.url}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('etag')).toMatch(/^"[0-9a-f]{16}-gzip"$/);
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info['version']).toBe(packageJson.version);
  });

  test('is not sent again to whoever has it, also through a proxy that marks its name as weak', async () => {
    const { headers } = await fetch(`${gateway.url}/openapi.json`);
    const etag = headers.get('etag') ?? '';
    const ask = async (known: string) => {
      const response = await fetch(`${gateway.url}/openapi.json`, {
        headers: { 'if-none-match': known },
      });
      return [response.status, (await response.text()).length];
    };
    expect(await ask(etag)).toEqual([304, 0]);
    expect(await ask(`"other", W/${etag}`)).toEqual([304, 0]);
    expect(await ask('"other"')).toEqual([200, text.length]);
  });

  test('comes compressed to who can read that, under another name', async () => {
    const get = async (accepted: string) => {
      const headers = { 'accept-encoding': accepted };
      const response = await fetch(`${gateway.url}/openapi.json`, { headers, decompress: false });
      return { headers: response.headers, bytes: await response.bytes() };
    };
    const [packed, plain] = [await get('br, gzip'), await get('gzip;q=0')];
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(Buffer.from(Bun.gunzipSync(packed.bytes)).equals(Buffer.from(plain.bytes))).toBe(true);
    expect(packed.bytes.length * 5).toBeLessThan(plain.bytes.length);
    expect(packed.headers.get('etag')).not.toBe(plain.headers.get('etag'));
  });

  test('tells of every route that is served, and of no other', () => {
    const served = ROUTES.map(({ method, template }) => `${method} ${template}`);
    const told = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
    expect(served.length).toBeGreaterThan(15);
    expect(told.toSorted()).toEqual(served.toSorted());
  });

  test('tells which routes need a token', () => {
    const told = operationsOf(document).map(({ method, path, security }) => {
      const isOptional = security?.some((way) => Object.keys(way).length === 0);
      const access = security === undefined ? 'token' : isOptional ? 'local' : 'public';
      return `${method} ${path} ${access}`;
    });
    // A browser needs no token where others do, as those need none who ask from this machine.
    const served = ROUTES.map(
      ({ access, method, template }) =>
        `${method} ${template} ${access === 'browser' ? 'local' : access}`,
    );
    expect(told.toSorted()).toEqual(served.toSorted());
  });

  test('cannot be made of a route that nothing is said of, or without a route that something is said of', () => {
    const routes: ServedRoute[] = ROUTES.map(({ access, method, template }) => ({
      access,
      method,
      path: template,
    }));
    const extra = { access: 'public', method: 'GET', path: '/extra' } as const;
    expect(() => openApiDocument([...routes, extra], '1')).toThrow('no operation for GET /extra');
    expect(() => openApiDocument(routes.slice(1), '1')).toThrow(
      'no route for POST /v1/chat/completions',
    );
  });

  test('has an example of every body and a description of every part', () => {
    const gaps = operationsOf(document).flatMap((operation) => {
      const { operationId, summary, description, tags, parameters = [], requestBody } = operation;
      const contents = [
        ...Object.entries(requestBody?.content ?? {}),
        ...Object.values(operation.responses).flatMap(({ content = {} }) =>
          Object.entries(content),
        ),
      ];
      return [
        ...(summary && description && tags.length === 1 ? [] : [`${operationId}: words`]),
        ...parameters
          .filter((parameter) => !parameter.description)
          .map(({ name }) => `${operationId}: parameter ${name}`),
        ...contents
          .filter(([, { examples }]) => Object.keys(examples).length === 0)
          .map(([mediaType]) => `${operationId}: example of ${mediaType}`),
      ];
    });
    expect(gaps).toEqual([]);
  });

  test('names every operation once', () => {
    const names = operationsOf(document).map(({ operationId }) => operationId);
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  });

  test('knows every error code', () => {
    const schema = document.components['schemas']?.['ErrorCode'];
    expect(schema?.['enum'] as string[]).toEqual(Object.keys(ERROR_CATALOGUE));
  });

  test('tells nothing of this machine or of the configuration', () => {
    expect(text).not.toContain('fake');
    expect(text).not.toContain(gateway.directory);
    expect(text).not.toContain(upstream.url);
  });
});

describe('the linter', () => {
  test('finds nothing, neither errors nor warnings', async () => {
    expect(await lint(text)).toEqual([]);
  });

  test('finds an example that does not fit, a reference to nothing, and a route without a name', async () => {
    const broken = text
      .replace('"operationId":"getHealth",', '')
      .replace('"value":{"status":"ok"}', '"value":{"status":"unwell"}')
      .replace('#/components/schemas/Readiness', '#/components/schemas/Gone');
    const found = (await lint(broken)).join('\n');
    expect(found).toContain('no-invalid-media-type-examples');
    expect(found).toContain('no-unresolved-refs');
    expect(found).toContain('operation-operationId');
  });
});
