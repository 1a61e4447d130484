// The only outgoing HTTP of the gateway. One AbortController per call: the client's signal and each of the four
// time limits abort it, in every phase, and the socket closes at once.
import type { Deadlines } from '../domain/deadlines.ts';
import { upstreamRequestId } from '../domain/ids.ts';
import { MAX_ERROR_BODY_BYTES } from '../domain/limits.ts';
import { createKeptConnections } from './kept-connections.ts';
import { protocolError, statusError, transportError } from './failure.ts';
import { guardCall, type GuardedCall } from './guarded-call.ts';
import type { Target } from './provider.ts';
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
  readonly body: string;
  readonly accept: string;
  readonly requestId: string;
  /** What the dialect adds, such as a version. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface UpstreamClient {
  /** Resolves with a 2xx response; everything else is thrown as a GatewayError. */
  post(target: Target, request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
}

export function createUpstreamClient({ deadlines }: { deadlines: Deadlines }): UpstreamClient {
  const kept = createKeptConnections();
  return {
    async post(target, request, signal) {
      const call = guardCall(target, deadlines, signal);
      try {
        const response = await kept.fetch(target.baseUrl + request.path, {
          method: 'POST',
          headers: outgoingHeaders(target, request),
          body: request.body,
          signal: call.signal,
          redirect: 'manual',
          // Bun cuts a fetch after 5 minutes by default; our own limits replace that.
          timeout: false,
        });
        if (!response.ok) throw await refusal(target, response, deadlines);
        checkEncoding(response.headers, target.upstream, call);
        return {
          contentType: response.headers.get('content-type') ?? '',
          chunks: () =>
            readBody(response.body?.getReader(), call, {
              upstream: target.upstream,
              isCompressed: encodingsOf(response.headers).length > 0,
              onWhole: () => kept.keep(response),
            }),
          discard: () => call.abort(new Error('nobody wants the body')),
        };
      } catch (error) {
        call.release();
        throw call.signal.aborted
          ? call.signal.reason
          : transportError(error, target.upstream, false);
      }
    },
  };
}

/** Compressions that fetch undoes by itself: one layer of them, as it arrives. */
const INFLATED = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd']);

/** The compressions of a reply, although none was asked for. */
function encodingsOf(headers: Headers): string[] {
  const names = (headers.get('content-encoding') ?? '').toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
}

/** Of several layers fetch would undo none, and pass the bytes on as if they were the reply. */
function checkEncoding(headers: Headers, upstream: string, call: GuardedCall): void {
  const encodings = encodingsOf(headers);
  if (encodings.length === 0 || (encodings.length === 1 && INFLATED.has(encodings[0] ?? '')))
    return;
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
    ...request.headers,
    ...target.headers,
  };
}

async function refusal(target: Target, response: Response, deadlines: Deadlines): Promise<Error> {
  const body = await headOf(response, deadlines);
  return statusError(target.upstream, { status: response.status, headers: response.headers, body });
}

/** The first bytes of an error body, as text; whatever cannot be read is left out. */
async function headOf(response: Response, deadlines: Deadlines): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let text = '';
  const limit = deadlines.arm(DRAIN_MS, () => void reader.cancel());
  try {
    while (text.length < MAX_ERROR_BODY_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // A body that breaks off still came with its status, and that is what counts.
    return text;
  } finally {
    limit.disarm();
    void reader.cancel();
  }
  return text;
}
