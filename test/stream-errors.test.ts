// Errors in mid-stream: one event in the envelope of every other error, then the end, so that no client takes half an
// answer for a whole one.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ERROR_CATALOGUE, type ErrorCode } from '../src/domain/error-catalogue.ts';
import {
  beginSse,
  chunk,
  completion,
  configFor,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamScript,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

const USER = { role: 'user', content: 'hi' };

let upstream: FakeUpstream;
let gateway: TestGateway;
let storeless: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  storeless = await startGateway(
    configFor(upstream, 'storage: { url: "sqlite:/dev/null/gateway.db" }'),
  );
});
afterAll(async () => {
  await Promise.all([gateway.close(), storeless.close()]);
  await upstream.close();
});

const v1 = (body: object) =>
  gateway.request('/v1/chat/completions', {
    body: { model: 'test-model', messages: [USER], ...body },
  });
const c1 = (body: object) =>
  gateway.request('/c1/chat', { body: { model: 'test-model', message: 'hi', ...body } });

describe('a stream that fails after it began', () => {
  const faults: Record<string, UpstreamScript> = {
    upstream_interrupted: async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ role: 'assistant', content: 'Half' })));
      call.end();
    },
    upstream_protocol_error: (call) =>
      replySse(call, [chunk({ role: 'assistant', content: 'Half' }), '{"choices":']),
    upstream_rate_limited: (call) =>
      replySse(call, [
        chunk({ role: 'assistant', content: 'Half' }),
        { error: { code: 429, message: 'slow down' } },
      ]),
  };

  for (const [code, script] of Object.entries(faults)) {
    for (const [api, ask] of [
      ['/v1', v1],
      ['/c1', c1],
    ] as const) {
      test(`of ${api} ends with one ${code} event: no finish_reason, no [DONE]`, async () => {
        upstream.script = script;
        const response = await ask({ stream: true });
        expect(response.status).toBe(200);
        const text = await response.text();
        const events = text.split('\n\n').filter((block) => block !== '');
        expect(text).toEndWith('\n\n');
        expect(text).toContain('Half');
        expect(text).not.toContain('[DONE]');
        expect(text).not.toMatch(/"finish_reason":"/);
        expect(events.filter((event) => event.includes('"error"'))).toHaveLength(1);
        const last = events.at(-1) ?? '';
        // In /c1 it has an id, as every event of a turn has.
        const data = last.replace(/^id: \S+\n/, '');
        expect(data).toStartWith('data: ');
        const { error } = JSON.parse(data.slice('data: '.length)) as { error: object };
        const { type, retryable } = ERROR_CATALOGUE[code as ErrorCode];
        expect(error).toEqual({
          type,
          code,
          message: expect.any(String),
          param: null,
          retryable,
          request_id: response.headers.get('x-request-id'),
        });
      });
    }
  }

  test('before its first event is a plain HTTP error, not a stream', async () => {
    upstream.script = (call) => replyJson(call, { error: { message: 'x' } }, { status: 503 });
    for (const ask of [v1, c1]) {
      const response = await ask({ stream: true });
      expect(response.status).toBe(503);
      expect(response.headers.get('content-type')).toBe('application/json');
      await response.text();
    }
  });
});

test('a gateway whose store cannot be opened serves /v1, and says so at /readyz', async () => {
  upstream.script = (call) => replyJson(call, completion('ok'));
  const body = { model: 'test-model', messages: [USER] };
  const response = await storeless.request('/v1/chat/completions', { body });
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('"ok"');
  const ready = await fetch(`${storeless.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ status: 'not_ready', store: { ok: false } });
});
