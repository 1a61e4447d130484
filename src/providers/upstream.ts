// The only outgoing chat requests of the gateway. Each call can be aborted in every phase, by the client's signal and by
// each of four time limits (guarded-call.ts), and its socket closes at once.
import type { Deadlines, DueTimes } from '../domain/deadlines.ts';
import { piecesOf, type Spring } from '../domain/pieces.ts';
import type { Stop } from '../domain/stop.ts';
import { upstreamRequestId } from '../domain/ids.ts';
import { traceHeaders, type TraceContext } from '../domain/trace-context.ts';
import { MAX_ERROR_BODY_BYTES } from '../domain/limits.ts';
import { protocolError, statusError, transportError } from './failure.ts';
import { guardCall, type GuardedCall } from './guarded-call.ts';
import type { Target } from './provider.ts';
import {
  createTransport,
  encodingsOf,
  isInflated,
  type Route,
  type Transport,
  type TransportReply,
} from './transport.ts';
import { DRAIN_MS, readBody } from './upstream-body.ts';

export interface UpstreamResponse {
  readonly contentType: string;
  /** The whole body where it is there already; whoever gets null reads its chunks. */
  whole(): Uint8Array | null;
  /** The body as it arrives. Throws a GatewayError when it is cut, too slow, or aborted. */
  chunks(): AsyncGenerator<Uint8Array, void>;
  /** Closes the connection instead of reading the rest of the body. */
  discard(): void;
}

export interface UpstreamRequest {
  /** Below the target's base URL, e.g. `/chat/completions`. */
  readonly path: string;
  readonly body: string;
  /** The same, where it is at hand. */
  readonly bytes?: readonly Uint8Array[] | undefined;
  readonly accept: string;
  readonly requestId: string;
  readonly trace?: TraceContext | undefined;
  /** What the dialect adds, such as a version. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface UpstreamClient {
  /** Resolves with a 2xx response; everything else is thrown as a GatewayError. */
  post(target: Target, request: UpstreamRequest, signal: Stop): Promise<UpstreamResponse>;
}

export function createUpstreamClient(options: { deadlines: Deadlines & DueTimes }): UpstreamClient {
  const { deadlines } = options;
  const routes = createRoutes();
  return {
    async post(target, request, signal) {
      const call = guardCall(target, deadlines, signal);
      try {
        const route = routes.find(target, request);
        const reply = await route.post({
          headers: ownHeaders(target, request),
          body: request.body,
          bytes: request.bytes,
          call,
        });
        if (reply.status < 200 || reply.status > 299) throw await refusal(target, reply, deadlines);
        const encodings = encodingsOf(reply);
        if (encodings.length === 0) return new Response(reply, reply.body, call);
        checkEncodings(encodings, target.upstream, call);
        return new Response(reply, route.inflated(reply, encodings), call);
      } catch (error) {
        call.release();
        throw call.isAborted() ? call.reason() : transportError(error, target.upstream, false);
      }
    },
  };
}

class Response implements UpstreamResponse {
  readonly contentType: string;
  readonly #reply: TransportReply;
  readonly #body: Spring<Uint8Array>;
  readonly #call: GuardedCall;

  constructor(reply: TransportReply, body: Spring<Uint8Array>, call: GuardedCall) {
    this.contentType = reply.header('content-type') ?? '';
    this.#reply = reply;
    this.#body = body;
    this.#call = call;
  }

  whole(): Uint8Array | null {
    const bytes = this.#body.whole?.() ?? null;
    if (bytes) this.#call.release();
    return bytes;
  }
  chunks(): AsyncGenerator<Uint8Array, void> {
    const isCompressed = encodingsOf(this.#reply).length > 0;
    return readBody(this.#body, this.#call, { upstream: this.#call.upstream, isCompressed });
  }
  discard(): void {
    this.#call.abort(new Error('nobody wants the body'));
  }
}

/** Of several layers of compression, none of which was asked for, fetch would undo none. */
function checkEncodings(encodings: readonly string[], upstream: string, call: GuardedCall): void {
  const [only = '', ...others] = encodings;
  if (others.length === 0 && isInflated(only)) return;
  const error = protocolError(upstream, 'compressed its reply in a way that nobody asked for');
  call.abort(error);
  throw error;
}

type Asked = Pick<UpstreamRequest, 'path' | 'accept' | 'headers'>;

/** The ways to the targets, made once each: a target is asked in very few forms. */
function createRoutes() {
  const transport = createTransport();
  const known = new WeakMap<Target, (Asked & { readonly route: Route })[]>();
  return {
    find(target: Target, { path, accept, headers }: Asked): Route {
      let ways = known.get(target);
      if (!ways) known.set(target, (ways = []));
      for (const way of ways)
        if (way.accept === accept && way.path === path && way.headers === headers) return way.route;
      const route = routeTo(transport, target, { path, accept, headers });
      if (ways.length < MAX_WAYS) ways.push({ path, accept, headers, route });
      return route;
    },
  };
}

/** Streamed or not, at one path: beyond that a dialect makes its headers anew each time, and they are not worth keeping. */
const MAX_WAYS = 4;

/** Only what is listed here leaves the gateway: a client's credentials, cookies and other headers never do. */
function routeTo(transport: Transport, target: Target, { path, accept, headers }: Asked): Route {
  return transport.to(target.baseUrl + path, {
    'content-type': 'application/json',
    accept,
    'accept-encoding': 'identity',
    'user-agent': 'dgx-chat-gateway',
    ...headers,
    ...target.headers,
  });
}

/** Beside those, what is different with each request; an operator's own goes before it. */
function ownHeaders(
  { headers }: Target,
  { requestId, trace }: UpstreamRequest,
): Record<string, string> {
  const own: Record<string, string> = {};
  if (headers['x-request-id'] === undefined) own['x-request-id'] = upstreamRequestId(requestId);
  if (!trace) return own;
  for (const [name, value] of Object.entries(traceHeaders(trace)))
    if (headers[name] === undefined) own[name] = value;
  return own;
}

async function refusal(
  target: Target,
  response: TransportReply,
  deadlines: Deadlines,
): Promise<Error> {
  const { status } = response;
  const body = await headOf(response, deadlines);
  const header = (name: string) => response.header(name);
  return statusError(target.upstream, { status, header, body });
}

/** The first bytes of an error body, as text; whatever cannot be read is left out. */
async function headOf({ body }: TransportReply, deadlines: Deadlines): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  const pieces = piecesOf(body);
  const limit = deadlines.arm(DRAIN_MS, () => void pieces.return());
  try {
    while (text.length < MAX_ERROR_BODY_BYTES) {
      const { done, value } = await pieces.next();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // A body that breaks off still came with its status, and that is what counts.
    return text;
  } finally {
    limit.disarm();
    void pieces.return();
  }
  return text;
}
