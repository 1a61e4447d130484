// What clients of /v1 are told when an upstream misbehaves: before the first event a plain HTTP error, after it an
// error event, and never an invented finish reason or [DONE].
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  beginSse,
  chunk,
  configFor,
  replyJson,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { holdCalls } from './harness/c1.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, errorIn, eventsIn } from './harness/v1.ts';

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

const HELLO = chunk({ role: 'assistant', content: 'Hello' });

/** Lets `after` follow once the client has a first chunk, and gives its last event, which has to be an error. */
async function errorAfterHello(after: (call: UpstreamCall) => void | Promise<void>) {
  const asked = holdCalls(upstream);
  const pending = askStream(gateway);
  const call = await asked;
  await beginSse(call);
  await call.send(sse(HELLO));
  const response = await pending;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = decoder.decode((await reader.read()).value);
  await after(call);
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    text += decoder.decode(next.value);
  }
  const events = eventsIn(text);
  expect(response.status).toBe(200);
  expect(events[0]).toContain('"content":"Hello"');
  expect(events).toHaveLength(2);
  expect(events.join()).not.toMatch(/\[DONE\]|"finish_reason":"/);
  const error = errorIn(events[1] ?? '');
  expect(error.request_id).toBe(response.headers.get('x-request-id') ?? '');
  return error;
}

describe('after the first event', () => {
  test('malformed JSON is upstream_protocol_error, and its bytes are not passed on', async () => {
    for (const data of [
      '{"choices":[',
      '[1]',
      'null',
      '"text"',
      '{"choices":{}}',
      '{"choices":[1]}',
    ]) {
      const error = await errorAfterHello((call) => call.send(sse(data)));
      expect(error.code).toBe('upstream_protocol_error');
    }
  });

  test('an error object is passed on in our words and its own message, wherever the engine puts it', async () => {
    const forms: [string, string][] = [
      [
        sse({ error: { message: 'engine died', code: 500 } }) + sse('[DONE]'),
        'upstream_unavailable',
      ],
      [sse({ error: { message: 'engine died', code: 'server_error' } }), 'upstream_interrupted'],
      [sse({ error: 'engine died' }), 'upstream_interrupted'],
      [sse({ object: 'error', message: 'engine died', code: 400 }), 'upstream_rejected'],
      [
        sse({ choices: [{ index: 0, delta: {}, error: { message: 'engine died', code: 429 } }] }),
        'upstream_rate_limited',
      ],
      ['event: error\ndata: {"message":"engine died"}\n\n', 'upstream_interrupted'],
      ['event: error\ndata: engine died\n\n', 'upstream_interrupted'],
      [
        sse({ error: { message: 'Context size has been exceeded: engine died', code: 500 } }),
        'context_length_exceeded',
      ],
    ];
    for (const [text, code] of forms) {
      const error = await errorAfterHello((call) => call.send(text));
      expect([text, error.code]).toEqual([text, code]);
      expect(error.message).toContain('engine died');
    }
  });

  test('a finish reason of "error" is an error', async () => {
    const error = await errorAfterHello((call) => call.send(sse(chunk({}, 'error'))));
    expect(error.code).toBe('upstream_interrupted');
  });
});

describe('before the first event', () => {
  test('every fault of a stream is a plain JSON error with a status of its own', async () => {
    const faults: [string, number, string][] = [
      ['', 502, 'upstream_interrupted'],
      [sse('[DONE]'), 502, 'upstream_interrupted'],
      [sse('{"choices":['), 502, 'upstream_protocol_error'],
      [fixture('sglang-context-overflow').toString(), 400, 'context_length_exceeded'],
      [sse({ error: { message: 'slow down', code: 429 } }), 429, 'upstream_rate_limited'],
    ];
    for (const [text, status, code] of faults) {
      upstream.script = async (call) => {
        await beginSse(call);
        await call.send(text);
        call.end();
      };
      const response = await askStream(gateway);
      expect([text, response.status]).toEqual([text, status]);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(errorIn(await response.text()).code).toBe(code);
    }
  });

  test('Retry-After is copied, in seconds or as a date, and capped at a minute', async () => {
    const inTenMinutes = new Date(Date.now() + 600_000).toUTCString();
    const values: [string | undefined, string, string][] = [
      ['7', '7', '7000'],
      ['0.2', '1', '200'],
      ['3600', '60', '60000'],
      [inTenMinutes, '60', '60000'],
      ['Wed, 21 Oct 2015 07:28:00 GMT', '1', '1'],
      ['soon', '1', '1000'],
      [undefined, '1', '1000'],
    ];
    for (const [sent, seconds, ms] of values) {
      for (const [status, shown] of [
        [429, 429],
        [503, 503],
      ] as const) {
        const headers: Record<string, string> = sent === undefined ? {} : { 'retry-after': sent };
        upstream.script = (call) =>
          replyJson(call, { error: { message: 'later' } }, { status, headers });
        const response = await ask(gateway);
        expect(response.status).toBe(shown);
        expect(response.headers.get('retry-after')).toBe(seconds);
        expect(response.headers.get('retry-after-ms')).toBe(ms);
        expect(errorIn(await response.text()).message).toEndWith('later');
      }
    }
  });

  test('an upstream’s own refusal keeps its status and its message, without control characters', async () => {
    upstream.script = (call) =>
      replyJson(call, { error: { message: 'bad \u001b[31mtop_p\r\nX: y' } }, { status: 422 });
    const response = await ask(gateway);
    expect(response.status).toBe(422);
    expect(errorIn(await response.text())).toMatchObject({
      code: 'upstream_rejected',
      message: 'The upstream "fake" refused the request (HTTP 422): bad  [31mtop_p X: y',
      retryable: false,
    });
  });
});
