// The outgoing calls over real sockets: how replies are delivered, how they break off, what each failure is called.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import {
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from '../../test/harness/fake-upstream.ts';
import { fixture, oneByOne, outcomeOf, replay, TARGET, textOf } from '../../test/harness/replay.ts';
import { systemClock } from '../domain/clock.ts';
import { createDeadlines, type Deadlines, type DueTimes, type Timed } from '../domain/deadlines.ts';
import { MAX_INFLATED_BYTES } from '../domain/limits.ts';
import { createOpenAiProvider } from './openai.ts';
import { createUpstreamClient } from './upstream.ts';

const { deadlines, armed, whenNoneArmed } = countedDeadlines();
const client = createUpstreamClient({ deadlines });
const provider = createOpenAiProvider(client);
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());
// A finished call may still be reading its connection's last bytes.
afterEach(() => whenNoneArmed());

const ask = (stream: boolean) => outcomeOf(provider, { stream, baseUrl: upstream.url });

const SSE_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

const asChunk = (bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

async function sendChunked(call: UpstreamCall, head: string, pieces: readonly Uint8Array[]) {
  await call.send(`${head}transfer-encoding: chunked\r\n\r\n`);
  for (const piece of pieces) await call.send(asChunk(piece));
}

describe('a reply over a socket', () => {
  const streams = [
    'llama-cpp-stream',
    'vllm-error-mid-stream',
    'sse-line-ends',
    'gemini-tool-calls',
  ];

  for (const name of streams) {
    test(`${name} comes out the same in one-byte chunks, in one-byte writes and in pieces of 7`, async () => {
      const bytes = fixture(name);
      const whole = await replay([bytes], { stream: true });
      upstream.script = async (call) => {
        await sendChunked(call, SSE_HEAD, oneByOne(bytes));
        await call.send('0\r\n\r\n');
      };
      expect(await ask(true)).toEqual(whole);
      for (const size of [1, 7]) {
        upstream.script = async (call) => {
          await call.send(`${SSE_HEAD}connection: close\r\n\r\n`);
          for (let at = 0; at < bytes.length; at += size)
            await call.send(bytes.subarray(at, at + size));
          call.end();
        };
        expect(await ask(true)).toEqual(whole);
      }
    });
  }

  test('JSON comes out the same with a length, chunked byte by byte, and up to the end of the connection', async () => {
    const bytes = fixture('llama-cpp-json');
    const scripts: ((call: UpstreamCall) => Promise<void>)[] = [
      (call) => replyJson(call, bytes.toString()),
      async (call) => {
        await sendChunked(call, JSON_HEAD, oneByOne(bytes));
        await call.send('0\r\n\r\n');
      },
      async (call) => {
        await call.send(`${JSON_HEAD}connection: close\r\n\r\n`);
        for (const piece of oneByOne(bytes)) await call.send(piece);
        call.end();
      },
    ];
    for (const script of scripts) {
      upstream.script = script;
      expect(await ask(false)).toEqual({ json: [bytes.toString()], comments: [], error: null });
    }
  });
});

describe('a reply that is compressed although nobody asked for it', () => {
  /** Answers with these bytes under this encoding. */
  const answerWith = (encoding: string, bytes: Uint8Array, head = JSON_HEAD) => {
    upstream.script = async (call) => {
      await call.send(
        `${head}content-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\n\r\n`,
      );
      await call.send(bytes);
    };
  };

  const LAYERS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    gzip: gzipSync,
    br: brotliCompressSync,
    deflate: deflateSync,
    zstd: zstdCompressSync,
    'identity, gzip': gzipSync,
  };
  for (const [encoding, compress] of Object.entries(LAYERS)) {
    test(`once is read all the same, whole or as a stream: ${encoding}`, async () => {
      answerWith(encoding, compress(fixture('llama-cpp-json')));
      expect((await ask(false)).json).toEqual([fixture('llama-cpp-json').toString()]);
      expect(upstream.calls.at(-1)?.headers.get('accept-encoding')).toBe('identity');
      answerWith(encoding, compress(fixture('vllm-stream')), SSE_HEAD);
      expect(textOf(await ask(true))).toBe('Grüße 😀');
    });
  }

  test('twice, or in a way that nobody knows, is a protocol error, and the connection is closed', async () => {
    const twice = gzipSync(gzipSync(fixture('llama-cpp-json')));
    for (const encoding of ['gzip, gzip', 'gzip, br', 'lzma']) {
      upstream.script = (call) =>
        sendChunked(call, `${JSON_HEAD}content-encoding: ${encoding}\r\n`, [twice]);
      for (const stream of [true, false]) {
        expect((await ask(stream)).error).toMatchObject({
          code: 'upstream_protocol_error',
          status: 502,
        });
        await upstream.calls.at(-1)?.closed;
      }
    }
  });

  test('and broken, or cut off, is never taken for a whole one', async () => {
    const bytes = gzipSync(fixture('llama-cpp-json'));
    for (const broken of [fixture('llama-cpp-json'), bytes.subarray(0, -12)]) {
      answerWith('gzip', broken);
      expect((await ask(false)).error).toMatchObject({ status: 502 });
    }
  });

  test('and grows without end is let go at the ceiling', async () => {
    const bomb = gzipSync(Buffer.alloc(MAX_INFLATED_BYTES + 1, '\n'));
    expect(bomb.length).toBeLessThan(100_000);
    for (const [stream, head] of [[true, SSE_HEAD] as const, [false, JSON_HEAD] as const]) {
      answerWith('gzip', bomb, head);
      const { error } = await ask(stream);
      expect(error?.code).toBe('upstream_protocol_error');
      expect(error?.message).toContain('size limit');
    }
  });
});

describe('a connection that breaks', () => {
  const breaks = {
    'with a FIN inside a chunked body': (call: UpstreamCall) => call.end(),
    'with a reset': (call: UpstreamCall) => call.reset(),
  };

  for (const [how, breakOff] of Object.entries(breaks)) {
    test(`${how} cuts the answer off before the last finish reason, and nothing after it`, async () => {
      const bytes = fixture('vllm-stream');
      const finishAt = bytes.indexOf('"finish_reason":"stop"');
      const finishEnd = bytes.indexOf('\n\n', finishAt) + 2;
      for (const end of [1, 50, 400, finishAt, finishEnd - 1, finishEnd, bytes.length - 20]) {
        const whole = bytes.subarray(0, end).toString().split('\n\n').length - 1;
        const seen = Promise.withResolvers<void>();
        upstream.script = async (call) => {
          await sendChunked(call, SSE_HEAD, [bytes.subarray(0, end)]);
          await seen.promise;
          breakOff(call);
        };
        const onSeen = (events: number) => (events >= whole ? seen.resolve() : undefined);
        const { error } = await outcomeOf(provider, {
          stream: true,
          baseUrl: upstream.url,
          onSeen,
        });
        expect([end, error?.code ?? null]).toEqual([
          end,
          end < finishEnd ? 'upstream_interrupted' : null,
        ]);
      }
    });
  }

  test('in the middle of a JSON reply is upstream_interrupted, before any reply upstream_unavailable', async () => {
    upstream.script = async (call) => {
      await call.send(`${JSON_HEAD}content-length: 500\r\n\r\n{"choices":[`);
      await arrived();
      call.end();
    };
    expect((await ask(false)).error).toMatchObject({ code: 'upstream_interrupted', status: 502 });
    for (const breakOff of Object.values(breaks)) {
      upstream.script = (call) => breakOff(call);
      expect((await ask(false)).error).toMatchObject({ code: 'upstream_unavailable', status: 503 });
    }
  });

  test('while it is idle costs nothing: the next call takes a new one', async () => {
    upstream.script = async (call) => {
      await replyJson(call, fixture('llama-cpp-json').toString());
      call.end();
    };
    for (let times = 0; times < 5; times++) expect((await ask(false)).error).toBeNull();
  });

  test('that nobody listens on is upstream_unavailable', async () => {
    const gone = await startFakeUpstream();
    await gone.close();
    const { error } = await outcomeOf(provider, { stream: true, baseUrl: gone.url });
    expect(error).toMatchObject({ code: 'upstream_unavailable', status: 503 });
    expect(error?.message).toContain('could not be reached');
  });
});

describe('what an upstream refuses', () => {
  const refusals: [string, number, string, number, string | null][] = [
    ['llama-cpp-context-overflow', 400, 'context_length_exceeded', 400, '9019 tokens'],
    ['vllm-context-overflow', 400, 'context_length_exceeded', 400, '9019 input tokens'],
    ['openai-context-overflow', 400, 'context_length_exceeded', 400, 'context window'],
    ['gemini-context-overflow', 400, 'context_length_exceeded', 400, '1048576'],
    ['llama-cpp-context-overflow', 500, 'context_length_exceeded', 400, '9019 tokens'],
    ['llama-cpp-invalid-request', 400, 'upstream_rejected', 400, "Expected 'messages'"],
    ['llama-cpp-malformed-request', 500, 'upstream_unavailable', 503, 'parse error'],
    ['azure-content-filter', 400, 'upstream_rejected', 400, 'content management policy'],
    ['ollama-not-found', 404, 'upstream_rejected', 404, "model 'llama9' not found"],
    ['ollama-native-context-overflow', 400, 'context_length_exceeded', 400, 'context length'],
    ['gemini-error', 400, 'upstream_rejected', 400, 'thought_signature'],
    ['openai-invalid-key', 401, 'upstream_auth_failed', 502, null],
    ['openai-invalid-key', 403, 'upstream_auth_failed', 502, null],
    ['error-flat', 400, 'upstream_rejected', 400, 'top_p must be'],
    ['error-detail', 404, 'upstream_rejected', 404, 'Not Found'],
    ['error-detail-list', 422, 'upstream_rejected', 422, 'Field required; Input should be'],
    ['error-string', 404, 'upstream_rejected', 404, 'model "nope" not found'],
    ['error-text', 503, 'upstream_unavailable', 503, 'upstream connect error'],
    ['error-page', 502, 'upstream_unavailable', 503, null],
    ['error-page', 413, 'upstream_rejected', 413, 'no readable reason'],
    ['error-text', 429, 'upstream_rate_limited', 429, 'upstream connect error'],
    ['error-text', 408, 'upstream_timeout', 504, 'a timeout of its own'],
    ['anthropic-prompt-too-long', 400, 'context_length_exceeded', 400, '215432 tokens'],
    ['anthropic-context-overflow', 400, 'context_length_exceeded', 400, '188240 + 21333'],
    ['anthropic-overloaded', 529, 'upstream_unavailable', 503, 'Overloaded'],
    ['anthropic-request-too-large', 413, 'upstream_rejected', 413, 'exceeds the maximum size'],
    ['anthropic-invalid-request', 400, 'upstream_rejected', 400, 'Invalid `signature`'],
    ['anthropic-invalid-key', 401, 'upstream_auth_failed', 502, null],
    ['error-page', 302, 'upstream_protocol_error', 502, 'HTTP 302'],
  ];

  for (const [name, status, code, shown, says] of refusals) {
    test(`${name} with HTTP ${status} is ${code}, whole and byte by byte, for a stream and without`, async () => {
      const bytes = fixture(name);
      for (const pieces of [[bytes], oneByOne(bytes)]) {
        upstream.script = async (call) => {
          await sendChunked(call, `HTTP/1.1 ${status} X\r\nlocation: /v2\r\n`, pieces);
          await call.send('0\r\n\r\n');
        };
        for (const stream of [true, false]) {
          const { error } = await ask(stream);
          expect(error).toMatchObject({ code, status: shown });
          if (says !== null) expect(error?.message).toContain(says);
          expect(error?.message).not.toMatch(/<|sk-proj|\n/);
        }
      }
    });
  }
});

test('a call that is aborted while nobody reads leaves no deadline armed', async () => {
  upstream.script = (call) => sendChunked(call, SSE_HEAD, [Buffer.from('data: {}\n\n')]);
  const leaving = new AbortController();
  const target = { ...TARGET, baseUrl: upstream.url };
  const request = { path: '/chat/completions', body: '{}', accept: '*/*', requestId: 'req_x' };
  const body = (await client.post(target, request, leaving.signal)).chunks();
  await body.next();
  leaving.abort(new Error('gone'));
  expect(armed()).toBe(0);
  expect(body.next()).rejects.toThrow('gone');
});

/** The next turn of the loop: bytes on loopback are there by then, and are read before the end that follows them. */
function arrived(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Real deadlines that tell how many are armed. */
function countedDeadlines(): {
  deadlines: Deadlines & DueTimes;
  armed(): number;
  whenNoneArmed(): Promise<void>;
} {
  const real = createDeadlines(systemClock);
  const live = new Set<Timed>();
  let waiting: (() => void)[] = [];
  const forget = (timed: Timed) => {
    live.delete(timed);
    if (live.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  return {
    armed: () => live.size,
    whenNoneArmed: () =>
      live.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
    deadlines: {
      ...real,
      watch(timed) {
        live.add(timed);
        real.watch(timed);
      },
      unwatch(timed) {
        real.unwatch(timed);
        forget(timed);
      },
    },
  };
}
