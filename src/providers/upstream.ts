// The only outgoing chat requests of the gateway. Each call can be aborted in every phase, by the client's signal and by
// each of four time limits (guarded-call.ts), and its socket closes at once.
import type { Deadlines } from '../domain/deadlines.ts';
import { piecesOf } from '../domain/pieces.ts';
import { upstreamRequestId } from '../domain/ids.ts';
import { traceHeaders, type TraceContext } from '../domain/trace-context.ts';
import { MAX_ERROR_BODY_BYTES } from '../domain/limits.ts';
import type { JsonText } from '../json/long-text.ts';
import { protocolError, statusError, transportError } from './failure.ts';
import { guardCall, type GuardedCall } from './guarded-call.ts';
import type { Target } from './provider.ts';
import { createTransport, encodingsOf, isInflated, type TransportReply } from './transport.ts';
import { DRAIN_MS, readBody } from './upstream-body.ts';

export interface UpstreamResponse {
  readonly contentType: string;
  /** The body as it arrives. Throws a GatewayError when it is cut, too slow, or aborted. */
  chunks(): AsyncGenerator<Uint8Array, void>;
  /** Closes the connection instead of reading the rest of the body. */
  discard(): void;
}

export interface UpstreamRequest {
  /** Below the target's base URL, e.g. `/chat/completions`. */
  readonly path: string;
  readonly body: JsonText;
  readonly accept: string;
  readonly requestId: string;
  readonly trace?: TraceContext | undefined;
  /** What the dialect adds, such as a version. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface UpstreamClient {
  /** Resolves with a 2xx response; everything else is thrown as a GatewayError. */
  post(target: Target, request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
}

export function createUpstreamClient({ deadlines }: { deadlines: Deadlines }): UpstreamClient {
  const transport = createTransport();
  return {
    async post(target, request, signal) {
      const call = guardCall(target, deadlines, signal);
      try {
        const response = await transport.post({
          url: target.baseUrl + request.path,
          headers: outgoingHeaders(target, request),
          body: request.body,
          call,
        });
        if (response.status < 200 || response.status > 299)
          throw await refusal(target, response, deadlines);
        const encodings = checkedEncodings(response, target.upstream, call);
        return {
          contentType: response.header('content-type') ?? '',
          chunks: () =>
            readBody(response.body, call, {
              upstream: target.upstream,
              isCompressed: encodings.length > 0,
            }),
          discard: () => call.abort(new Error('nobody wants the body')),
        };
      } catch (error) {
        call.release();
        throw call.isAborted() ? call.reason() : transportError(error, target.upstream, false);
      }
    },
  };
}

/** The compressions of a reply, although none was asked for. Of several layers fetch would undo none. */
function checkedEncodings(response: TransportReply, upstream: string, call: GuardedCall): string[] {
  const encodings = encodingsOf(response);
  const [only = '', ...others] = encodings;
  if (encodings.length === 0 || (others.length === 0 && isInflated(only))) return encodings;
  const error = protocolError(upstream, 'compressed its reply in a way that nobody asked for');
  call.abort(error);
  throw error;
}

/** Only what is listed here leaves the gateway: a client's credentials, cookies and other headers never do. */
function outgoingHeaders(target: Target, request: UpstreamRequest): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: request.accept,
    'accept-encoding': 'identity',
    'user-agent': 'dgx-chat-gateway',
    'x-request-id': upstreamRequestId(request.requestId),
    ...(request.trace && traceHeaders(request.trace)),
    ...request.headers,
    ...target.headers,
  };
}

async function refusal(
  target: Target,
  response: TransportReply,
  deadlines: Deadlines,
): Promise<Error> {
  const { status } = response;
  const body = await headOf(response, deadlines);
  return statusError(target.upstream, { status, header: response.header, body });
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
