// What upstreams do that is unusual, and yet the client gets its answer; and the same taken too far.
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { MAX_INFLATED_BYTES } from '../../src/domain/limits.ts';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  replySse,
  sse,
  streamOf,
  type UpstreamScript,
} from '../harness/fake-upstream.ts';
import { answers, asksForStream, closing, everywhere, fails, head, type FaultRow } from './row.ts';

const STREAMED = streamOf(['all ', 'well']).map(sse).join('');
const WHOLE = JSON.stringify(completion('all well'));

/** A reply in the form that was asked for, compressed by `compress`, its head naming `encoding`. */
const encoded = (
  encoding: string,
  compress: (text: string) => Uint8Array,
  form = { STREAMED, WHOLE },
) =>
  (async (call) => {
    const body = compress(asksForStream(call) ? form.STREAMED : form.WHOLE);
    const lines = `content-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\nconnection: close`;
    await call.send(head(call, lines));
    await call.send(body);
    call.end();
  }) satisfies UpstreamScript;

const protocolError = everywhere(fails(502, 'upstream_protocol_error'));
/** Lines of a field that nobody knows: an event stream without events, however long. */
const ENDLESS = `x: ${'y'.repeat(1_048_570)}\n\n`.repeat(MAX_INFLATED_BYTES / 1_048_576 + 1);

const COMPRESSED: readonly FaultRow[] = [
  {
    id: 'U14',
    does: 'compresses its reply with gzip',
    script: encoded('gzip', gzipSync),
    views: everywhere(answers('all well')),
  },
  {
    id: 'U14',
    does: 'compresses its reply with brotli',
    script: encoded('br', brotliCompressSync),
    views: everywhere(answers('all well')),
  },
  {
    id: 'U14',
    does: 'compresses its reply twice',
    script: encoded('gzip, gzip', (text) => gzipSync(gzipSync(text))),
    views: protocolError,
  },
  {
    id: 'U14',
    does: 'compresses its reply in a way that nobody knows',
    script: encoded('zebra', (text) => Buffer.from(text)),
    views: protocolError,
  },
  {
    id: 'U14',
    does: 'says that its reply is compressed when it is not',
    script: encoded('gzip', (text) => Buffer.from(text)),
    views: protocolError,
  },
  {
    id: 'U14',
    does: 'hides far too much in a small reply',
    script: encoded('gzip', gzipOnce(), { STREAMED: ENDLESS, WHOLE: ENDLESS }),
    views: protocolError,
  },
];

/** Compresses the same text once, however often it is asked for. */
function gzipOnce(): (text: string) => Uint8Array {
  let known: Uint8Array | undefined;
  return (text) => (known ??= gzipSync(text));
}

const FREEDOMS =
  '\uFEFF: hello\r\n\r\nid: 7\r\nretry: 10\r\ndata: {"choices":[{"index":0,\r\ndata: "delta":{"content":"Zeile ü"}}]}\r\n\r\n' +
  'event: message\rdata:{"choices":[{"index":0,"delta":{"content":"😀"}}]}\r\r' +
  'data\n\nunknown: field\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

/** Sends a text one byte after another. */
const inSingleBytes: UpstreamScript = async (call) => {
  if (!asksForStream(call)) return await closing(call, completion('Zeile ü😀'));
  await beginSse(call);
  for (const byte of Buffer.from(FREEDOMS)) await call.send(Uint8Array.of(byte));
  call.end();
};

/** The byte 0xff, which is never UTF-8, in the place of the question mark. */
function withoutUtf8(text: string): Buffer {
  const bytes = Buffer.from(text);
  bytes[bytes.indexOf('?')] = 0xff;
  return bytes;
}

const usage = (prompt_tokens: number) => ({
  ...chunk({}),
  choices: [],
  usage: { prompt_tokens, completion_tokens: 1, total_tokens: prompt_tokens + 1 },
});
const second = (content: string | null) => ({
  ...chunk({}),
  choices: [{ index: 1, delta: { content }, finish_reason: content === null ? 'stop' : null }],
});

const UNUSUAL: readonly FaultRow[] = [
  {
    id: 'U6',
    does: 'leaves out [DONE] after the finish reason',
    script: (call) =>
      asksForStream(call)
        ? replySse(call, streamOf(['all ', 'well']).slice(0, -1))
        : closing(call, completion('all well')),
    views: everywhere(answers('all well')),
  },
  {
    id: 'U16',
    does: 'takes every freedom of the format, in single bytes',
    script: inSingleBytes,
    views: everywhere(answers('Zeile ü😀')),
  },
  {
    id: 'U16',
    does: 'sends a byte that is not UTF-8',
    async script(call) {
      await call.send(head(call, 'connection: close'));
      const finish = sse(chunk({}, 'stop'));
      const text = asksForStream(call)
        ? sse(chunk({ content: 'a?b' })) + finish
        : JSON.stringify(completion('a?b'));
      await call.send(withoutUtf8(text));
      call.end();
    },
    views: everywhere(answers('a\uFFFDb')),
  },
  {
    id: 'U17',
    does: 'sends JSON for a stream and a stream for JSON',
    script: (call) =>
      asksForStream(call)
        ? closing(call, completion('all well'))
        : replySse(call, streamOf(['all ', 'well'])),
    views: everywhere(answers('all well')),
  },
  {
    id: 'U17',
    does: 'sends text for a stream, and half a stream for JSON',
    async script(call) {
      if (asksForStream(call))
        return await closing(call, 'hello', { headers: { 'content-type': 'text/plain' } });
      await replySse(call, [chunk({ role: 'assistant', content: 'half ' })]);
    },
    views: { ...protocolError, '/v1 whole': fails(502, 'upstream_interrupted') },
  },
  {
    id: 'U17',
    does: 'sends JSON without choices',
    script: (call) => closing(call, '{"choices":[]}'),
    views: protocolError,
  },
  {
    id: 'U18',
    does: 'finishes twice, tells usage twice and mixes in a second choice',
    script: (call) =>
      replySse(call, [
        chunk({ role: 'assistant', content: 'all ' }),
        second('other '),
        chunk({ content: 'well' }),
        second('answer'),
        chunk({}, 'stop'),
        second(null),
        usage(1),
        chunk({}, 'length'),
        usage(9),
        '[DONE]',
      ]),
    views: everywhere(answers('all well')),
    logs: '"prompt_tokens":9',
  },
];

/** A reply that leaves its connection open, in the form that was asked for. */
const keepingAlive: UpstreamScript = async (call) => {
  if (!asksForStream(call)) return await replyJson(call, completion('all well'));
  await call.send(head(call, `content-length: ${Buffer.byteLength(STREAMED)}`) + STREAMED);
};

const IDLE: readonly FaultRow[] = [
  {
    id: 'U19',
    does: 'closes a connection while it is idle',
    script: keepingAlive,
    toIdle: (proxy) => proxy.cutNow(),
    views: everywhere(answers('all well')),
    keepsAlive: true,
  },
  {
    id: 'U19',
    does: 'closes an idle connection as the next request comes',
    script: keepingAlive,
    toIdle: (proxy) => (proxy.fault = 'closes used connections'),
    views: everywhere(answers('all well')),
    keepsAlive: true,
  },
  {
    id: 'U19',
    does: 'resets an idle connection as the next request comes',
    script: keepingAlive,
    toIdle: (proxy) => (proxy.fault = 'resets used connections'),
    views: everywhere(answers('all well')),
    keepsAlive: true,
  },
];

export const ANSWERED = [...COMPRESSED, ...UNUSUAL, ...IDLE];
