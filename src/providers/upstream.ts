// The only outgoing HTTP of the gateway. One AbortController per call: the client's signal and each of the four
// time limits abort it, in every phase, and the socket closes at once.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { upstreamRequestId } from '../domain/ids.ts';
import { traceHeaders, type TraceContext } from '../domain/trace-context.ts';
import { MAX_ERROR_BODY_BYTES, MAX_INFLATED_BYTES } from '../domain/limits.ts';
import { createKeptConnections } from './kept-connections.ts';
import { protocolError, statusError, timeoutError, transportError } from './failure.ts';
import type { Target, Timeouts } from './provider.ts';

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
  readonly trace?: TraceContext | undefined;
  /** What the dialect adds, such as a version. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface UpstreamClient {
  /** Resolves with a 2xx response; everything else is thrown as a GatewayError. */
  post(target: Target, request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
}

/** How long a finished stream may take to close before its socket is given up rather than reused. */
const DRAIN_MS = 1_000;

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
            readBody(response, call, {
              upstream: target.upstream,
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
    ...(request.trace && traceHeaders(request.trace)),
    ...request.headers,
    ...target.headers,
  };
}

interface GuardedCall {
  readonly signal: AbortSignal;
  /** The next piece is awaited from now on. */
  expectPiece(): void;
  /** Nothing is awaited: the client is not reading, which is not the upstream's fault. */
  pause(): void;
  abort(reason: unknown): void;
  release(): void;
}

function guardCall(target: Target, deadlines: Deadlines, client: AbortSignal): GuardedCall {
  client.throwIfAborted();
  const { timeouts, upstream } = target;
  const controller = new AbortController();
  // Whoever reads the body may never ask for its next piece again: so nothing may stay armed.
  const abort = (reason: unknown) => {
    release();
    controller.abort(reason);
  };
  const onClientGone = () => abort(client.reason);
  client.addEventListener('abort', onClientGone, { once: true });

  const overdue = (limit: 'first byte' | 'idle' | 'total', ms: number) => () =>
    abort(timeoutError(limit, ms, upstream));
  const firstByte = deadlines.arm(
    timeouts.firstByteMs,
    overdue('first byte', timeouts.firstByteMs),
  );
  const total = deadlines.arm(timeouts.totalMs, overdue('total', timeouts.totalMs));
  const connect = watchConnect(target, deadlines, abort);
  let idle: Deadline | undefined;

  function release(): void {
    client.removeEventListener('abort', onClientGone);
    for (const deadline of [firstByte, total, connect, idle]) deadline?.disarm();
  }

  return {
    signal: controller.signal,
    expectPiece() {
      if (idle) idle.rearm(timeouts.idleMs);
      else {
        connect.disarm();
        firstByte.disarm();
        idle = deadlines.arm(timeouts.idleMs, overdue('idle', timeouts.idleMs));
      }
    },
    pause: () => idle?.disarm(),
    abort,
    release,
  };
}

/**
 * fetch does not tell when it has connected. So a call that has heard nothing for half the connect limit is checked
 * by a connection of its own, which gets the other half: a reply in time costs nothing.
 */
function watchConnect(
  target: Target,
  deadlines: Deadlines,
  abort: (reason: unknown) => void,
): Pick<Deadline, 'disarm'> {
  const { connectMs }: Timeouts = target.timeouts;
  let deadline = deadlines.arm(connectMs / 2, () => {
    const { hostname, port, protocol } = new URL(target.baseUrl);
    deadline = deadlines.arm(connectMs / 2, () => {
      abort(timeoutError('connect', connectMs, target.upstream));
    });
    // A refusal or reset is an answer too: fetch reports it in its own words.
    const answered = () => deadline.disarm();
    const close = (socket: { end(): unknown }) => {
      answered();
      socket.end();
    };
    Bun.connect({
      hostname: hostname.replaceAll(/[[\]]/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      socket: { open: close, data() {}, error: answered, connectError: answered },
    }).catch(answered);
  });
  return { disarm: () => deadline.disarm() };
}

interface BodyReader {
  readonly upstream: string;
  /** Called when the body has been read to its end, so that its connection is free for the next request. */
  onWhole(): void;
}

async function* readBody(
  response: Response,
  call: GuardedCall,
  { upstream, onWhole }: BodyReader,
): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader();
  if (!reader) {
    call.release();
    throw protocolError(upstream, 'sent no body');
  }
  const isCompressed = encodingsOf(response.headers).length > 0;
  let complete = false;
  let size = 0;
  try {
    for (;;) {
      call.expectPiece();
      const { done, value } = await reader.read();
      if (done) {
        complete = true;
        onWhole();
        return;
      }
      call.pause();
      size += value.length;
      if (isCompressed && size > MAX_INFLATED_BYTES) {
        call.abort(protocolError(upstream, 'sent a compressed reply beyond the size limit'));
        call.signal.throwIfAborted();
      }
      yield value;
    }
  } catch (error) {
    throw call.signal.aborted ? call.signal.reason : transportError(error, upstream, true);
  } finally {
    if (complete || call.signal.aborted) call.release();
    else closeInBackground(reader, call, onWhole);
  }
}

/**
 * The consumer has all it wants. Usually only the end of the body is missing, and reading it lets the connection be
 * used again; whatever takes longer is cut.
 */
function closeInBackground(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>,
  call: GuardedCall,
  onWhole: () => void,
): void {
  const giveUp = setTimeout(
    () => call.abort(new Error('the body went on after its end')),
    DRAIN_MS,
  );
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  drain()
    .then(onWhole)
    // Aborted or reset: the answer was complete before, so nobody needs to know.
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(giveUp);
      call.release();
    });
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
