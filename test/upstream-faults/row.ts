// One row of the table of upstream faults: what the upstream does, and what each of the four kinds of clients is to
// see of it.
import type { ErrorCode } from '../../src/domain/errors.ts';
import type { ConnectionFault, CuttingProxy } from '../harness/cutting-proxy.ts';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  replySse,
  sse,
  streamOf,
  type UpstreamCall,
  type UpstreamScript,
} from '../harness/fake-upstream.ts';

/** A plain HTTP error. */
export interface Fails {
  readonly kind: 'fails';
  readonly status: number;
  readonly code: ErrorCode;
  /** How often the upstream was asked. */
  readonly attempts: number;
  /** What /c1 keeps of the answer, although the client has seen nothing of it. */
  readonly kept: string;
  readonly retryAfter?: string;
}

/** A stream of this text that ends with an error event. */
export interface BreaksOff {
  readonly kind: 'breaks off';
  readonly code: ErrorCode;
  readonly text: string;
}

/** As if nothing were wrong. */
export interface Answers {
  readonly kind: 'answers';
  readonly text: string;
  readonly attempts: number;
}

export type View = Fails | BreaksOff | Answers;

export const VIEWS = ['/v1 stream', '/v1 whole', '/c1 stream', '/c1 whole'] as const;
export type ViewName = (typeof VIEWS)[number];

export interface FaultRow {
  /** In the table of faults, U1 to U20. */
  readonly id: string;
  /** What the upstream does, after "an upstream that". */
  readonly does: string;
  /** Answers the request. */
  readonly script?: UpstreamScript;
  /** Below HTTP. */
  readonly fault?: ConnectionFault;
  /** Happens once the gateway has seen all that the script has sent. */
  readonly afterwards?: (proxy: CuttingProxy) => void;
  /** A request before each of those that are looked at leaves a connection that is idle, to which this happens. */
  readonly toIdle?: (proxy: CuttingProxy) => void;
  /** An alias other than that of the scripted upstream. */
  readonly alias?: 'refused' | 'nameless' | 'without-tls';
  /** The upstream's time limits. */
  readonly timeouts?: string;
  readonly views: Readonly<Record<ViewName, View>>;
  /** What neither the reply nor the log may hold, beside what they never may. */
  readonly never?: RegExp;
  /** What the log line of each request holds. */
  readonly logs?: string;
  /** What the log line of each failed attempt holds. */
  readonly alerts?: string;
  /** What the target's circuit is after each request. */
  readonly circuit?: 'open' | 'closed';
  /** The upstream's connections stay open for the next request. */
  readonly keepsAlive?: boolean;
}

interface FailsOptions {
  readonly attempts?: number;
  readonly kept?: string;
  readonly retryAfter?: string;
}

export function fails(status: number, code: ErrorCode, options: FailsOptions = {}): Fails {
  return { kind: 'fails', status, code, attempts: 1, kept: '', ...options };
}

export function answers(text: string, attempts = 1): Answers {
  return { kind: 'answers', text, attempts };
}

export function everywhere(view: View): FaultRow['views'] {
  return { '/v1 stream': view, '/v1 whole': view, '/c1 stream': view, '/c1 whole': view };
}

/** A fault after `half `: streams break off, and /c1 keeps what it has. `whole` is for who was sent no stream. */
export function midAnswer(status: number, code: ErrorCode, whole: View = fails(status, code)) {
  const stream: View = { kind: 'breaks off', code, text: HALF };
  return {
    '/v1 stream': stream,
    '/v1 whole': whole,
    '/c1 stream': stream,
    '/c1 whole': fails(status, code, { kept: HALF }),
  };
}

export const HALF = 'half ';
export const HALF_JSON = '{"choices":[{"message":{"content":"half ';

/** The key with which the gateway asks its upstream: nobody else may ever see it. */
export const UPSTREAM_KEY = 'upstream-secret-key';

export const asksForStream = ({ body }: UpstreamCall): boolean => body.includes('"stream":true');

/** The answer `ok`, in the form that was asked for. */
export const healthy: UpstreamScript = (call) =>
  asksForStream(call) ? replySse(call, streamOf(['ok'])) : closing(call, completion('ok'));

/** A whole JSON reply after which the connection closes. */
export async function closing(
  call: UpstreamCall,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Promise<void> {
  await replyJson(call, body, { status, headers: { connection: 'close', ...headers } });
  call.end();
}

/** Half an answer in the form that was asked for; the connection stays open. */
export async function half(call: UpstreamCall): Promise<void> {
  if (asksForStream(call)) {
    await beginSse(call);
    await call.send(sse(chunk({ role: 'assistant', content: HALF })));
    return;
  }
  await call.send(head(call, 'content-length: 9999') + HALF_JSON);
}

const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const SSE_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';

/** The head of a reply in the form that was asked for, with more lines about how its body comes. */
export function head(call: UpstreamCall, lines: string): string {
  return `${asksForStream(call) ? SSE_HEAD : JSON_HEAD}${lines}\r\n\r\n`;
}

/** Half an answer and then this, for streams; for whole replies another script. */
export function halfThen(
  rest: string | Uint8Array,
  whole: UpstreamScript,
  { end = true } = {},
): UpstreamScript {
  return async (call) => {
    if (!asksForStream(call)) return await whole(call);
    await half(call);
    await call.send(rest);
    if (end) call.end();
  };
}
