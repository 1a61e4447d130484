// Upstream faults in mid-answer: a stream ends with an error event, what was said stays, nothing is invented.
import { MAX_EVENT_CHARS, MAX_REPLY_BYTES } from '../../src/domain/limits.ts';
import { chunk, sse, type UpstreamScript } from '../harness/fake-upstream.ts';
import {
  asksForStream,
  closing,
  fails,
  half,
  HALF,
  HALF_JSON,
  halfThen,
  head,
  midAnswer,
  UPSTREAM_KEY,
  type FaultRow,
} from './row.ts';

const HALF_EVENT = sse(chunk({ role: 'assistant', content: HALF }));

/** Half an answer, whose head says how much more there would be. */
const cutShort =
  (lines: string, body: (text: string) => string): UpstreamScript =>
  async (call) => {
    await call.send(head(call, lines) + body(asksForStream(call) ? HALF_EVENT : HALF_JSON));
  };

const halfJson: UpstreamScript = async (call) => {
  await call.send(head(call, 'connection: close') + HALF_JSON);
  call.end();
};

const CUT: readonly FaultRow[] = [
  {
    id: 'U4',
    does: 'falls silent in mid-answer',
    timeouts: 'idle_ms: 100',
    script: half,
    views: midAnswer(504, 'upstream_timeout'),
    circuit: 'open',
  },
  {
    id: 'U5',
    does: 'ends its stream without a finish reason',
    script: halfThen('', halfJson),
    // Where no length was announced, the end of a whole reply is its end: half a JSON text.
    views: midAnswer(502, 'upstream_interrupted', fails(502, 'upstream_protocol_error')),
  },
  {
    id: 'U5',
    does: 'says [DONE] without a finish reason',
    script: halfThen(sse('[DONE]'), (call) => closing(call, '{"choices":[]}'), { end: false }),
    views: midAnswer(502, 'upstream_interrupted', fails(502, 'upstream_protocol_error')),
  },
  {
    id: 'U7',
    does: 'resets in mid-answer',
    script: half,
    afterwards: (proxy) => proxy.resetNow(),
    views: midAnswer(502, 'upstream_interrupted'),
  },
  {
    id: 'U7',
    does: 'sends less than its Content-Length',
    script: cutShort('content-length: 9999', (text) => text),
    afterwards: (proxy) => proxy.cutNow(),
    views: midAnswer(502, 'upstream_interrupted'),
  },
  {
    id: 'U7',
    does: 'closes without its last chunk',
    script: cutShort(
      'transfer-encoding: chunked',
      (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
    ),
    afterwards: (proxy) => proxy.cutNow(),
    views: midAnswer(502, 'upstream_interrupted'),
  },
];

const errorWith = (code: string | number, message = 'engine died') => ({
  error: { message, code },
});

const BROKEN: readonly FaultRow[] = [
  {
    id: 'U8',
    does: 'sends malformed JSON and keeps the connection open',
    script: halfThen(
      sse('{"choices":[{"delta":{"content":"wreck'),
      (call) => closing(call, '{"choices":[{"message":{"content":"wreck'),
      { end: false },
    ),
    views: midAnswer(502, 'upstream_protocol_error'),
    never: /wreck/,
  },
  {
    id: 'U9',
    does: 'reports an error with a status of its own',
    script: halfThen(sse(errorWith(500)) + sse('[DONE]'), (call) => closing(call, errorWith(500))),
    views: midAnswer(
      503,
      'upstream_unavailable',
      fails(503, 'upstream_unavailable', { attempts: 2 }),
    ),
  },
  {
    id: 'U9',
    does: 'reports an error with a code in words and terminal codes',
    script: halfThen(sse(errorWith('server_error', 'died \u001b[31m')), (call) =>
      closing(call, errorWith('server_error', 'died \u001b[31m')),
    ),
    views: midAnswer(502, 'upstream_interrupted'),
    // oxlint-disable-next-line no-control-regex -- it is what must not be there
    never: /\u001b|\\u001b/,
  },
  {
    id: 'U9',
    does: 'sends an error event',
    script: halfThen('event: error\ndata: {"message":"engine died"}\n\n', (call) =>
      closing(call, { object: 'error', message: 'engine died' }),
    ),
    views: midAnswer(502, 'upstream_interrupted'),
  },
  {
    id: 'U9',
    does: 'reports that it is out of breath in mid-answer',
    script: halfThen(sse(errorWith(429)), (call) => closing(call, errorWith(429))),
    views: midAnswer(
      429,
      'upstream_rate_limited',
      fails(429, 'upstream_rate_limited', { attempts: 2 }),
    ),
    circuit: 'open',
  },
  {
    id: 'U9',
    does: 'repeats our key in its error',
    script: halfThen(sse(errorWith(401, `bad key ${UPSTREAM_KEY}`)), (call) =>
      closing(call, errorWith(401, `bad key ${UPSTREAM_KEY}`)),
    ),
    views: midAnswer(502, 'upstream_auth_failed'),
    alerts: '"level":50',
  },
];

const tooLarge = Buffer.alloc(MAX_EVENT_CHARS + 65_536, 'x');
const tooLargeReply = Buffer.alloc(MAX_REPLY_BYTES + 65_536, ' ');

const OVERSIZED: readonly FaultRow[] = [
  {
    id: 'U15',
    does: 'sends an event or a reply beyond all limits',
    async script(call) {
      if (asksForStream(call)) {
        await half(call);
        await call.send('data: ');
        await call.send(tooLarge);
      } else {
        await call.send(head(call, 'connection: close'));
        await call.send(tooLargeReply);
      }
    },
    views: midAnswer(502, 'upstream_protocol_error'),
    never: /xxxxxxxx/,
  },
];

export const MID_ANSWER = [...CUT, ...BROKEN, ...OVERSIZED];
