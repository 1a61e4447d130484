// From Bun's request to ours: makes the exchange, runs the app, sets the headers of every reply, and knows which
// exchanges are open, so that a drain can wait for them.
import { saneRequestId, newId } from '../domain/ids.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError, toGatewayError } from '../domain/errors.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Probe } from '../observe/probe.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { Admission } from './admission.ts';
import type { App } from './app.ts';
import type { Exchange } from './exchange.ts';
import { KEEP_ALIVE_SECONDS } from '../domain/limits.ts';
import { refuseAmbiguous } from './gates.ts';
import { errorReply } from './refuse.ts';
import { CLIENT_GONE, CLIENT_STALLED, isClientGone, setCommonHeaders } from './reply.ts';

/** What Bun.serve hands to a handler beside the request. */
export interface Connection {
  /** Sets the idle timeout of this request's connection, in seconds; 0 lifts it. */
  timeout(request: Request, seconds: number): void;
  /** Who is at the other end of the connection; null when it is closed. */
  requestIP(request: Request): { readonly address: string } | null;
}

export interface HttpServer {
  fetch(request: Request, connection: Connection): Promise<Response>;
  openExchanges(): number;
  /** When the last request ended that asked for more than how the gateway is; null before there was one. */
  lastAskedAt(): number | null;
  /** Resolves when no exchange is open. */
  whenIdle(): Promise<void>;
  /** Ends every open exchange; streams end with this error as their last event. */
  abortAll(reason: GatewayError): void;
}

type TraceOf = (headers: Headers) => TraceContext;

export interface HttpServerDeps {
  /** The app that answers a request from its beginning to its end. */
  app(): App;
  readonly clock: Clock;
  readonly probe: Pick<Probe, 'requestFinished'>;
  /** The place in a trace that a request gets; absent where nothing is traced. */
  readonly traceOf?: TraceOf | undefined;
  readonly admission: Pick<Admission, 'hold' | 'release'>;
  isDraining(): boolean;
}

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const open = new Set<Exchange>();
  let onIdle: (() => void)[] = [];
  let lastAskedAt: number | null = null;

  function finished(exchange: Exchange, error: unknown): void {
    if (!open.delete(exchange)) return;
    deps.admission.release(exchange);
    const { record } = exchange;
    const told = error === undefined || record.clientGone ? undefined : toGatewayError(error);
    if (told) {
      record.errorCode = told.code;
      // A stream has its 200 out already.
      if (!exchange.heldOpen) record.status = told.status;
    }
    deps.probe.requestFinished(record, error);
    if (!BY_THE_CLOCK.test(record.path)) lastAskedAt = deps.clock.elapsed();
    if (open.size > 0) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  }

  async function respond(exchange: Exchange): Promise<Response> {
    try {
      refuseAmbiguous(exchange.request);
      refuseWhileDraining(exchange.request.url, deps.isDraining());
      return await deps.app().fetch(exchange.request, { exchange });
    } catch (error) {
      exchange.finish(error);
      return errorReply(toGatewayError(error), exchange.requestId);
    }
  }

  return {
    async fetch(request, connection) {
      const exchange = beginExchange(request, connection, {
        clock: deps.clock,
        admission: deps.admission,
        onFinish: finished,
      });
      if (deps.traceOf) exchange.record.trace = deps.traceOf(request.headers);
      open.add(exchange);
      const response = await respond(exchange);
      exchange.record.status = response.status;
      setCommonHeaders(response.headers, exchange);
      if (deps.isDraining()) response.headers.set('connection', 'close');
      if (!exchange.heldOpen) exchange.finish();
      return response;
    },
    openExchanges: () => open.size,
    lastAskedAt: () => lastAskedAt,
    whenIdle: () =>
      open.size === 0 ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve)),
    abortAll(reason) {
      for (const exchange of open) exchange.abort(reason);
    },
  };
}

interface ExchangeDeps {
  readonly clock: Clock;
  readonly admission: HttpServerDeps['admission'];
  onFinish(exchange: Exchange, error: unknown): void;
}

function beginExchange(request: Request, connection: Connection, deps: ExchangeDeps): Exchange {
  const requestId = saneRequestId(request.headers.get('x-request-id')) ?? newId('req');
  const controller = new AbortController();
  const record: RequestRecord = {
    requestId,
    method: request.method,
    path: pathOf(request.url),
    startedAt: deps.clock.elapsed(),
    status: 200,
    stream: false,
  };
  const exchange: Exchange = {
    request,
    requestId,
    record,
    clock: deps.clock,
    signal: controller.signal,
    abort(reason) {
      if (isClientGone(reason)) record.clientGone = true;
      if (reason === CLIENT_STALLED) record.clientStalled = true;
      controller.abort(reason);
    },
    peerAddress: () => connection.requestIP(request)?.address ?? null,
    liftReadTimeout: () => connection.timeout(request, 0),
    hold: (bytes) => deps.admission.hold(exchange, bytes),
    heldBytes: 0,
    heldOpen: false,
    finish(error) {
      connection.timeout(request, KEEP_ALIVE_SECONDS);
      deps.onFinish(exchange, error);
    },
  };
  request.signal.addEventListener('abort', () => exchange.abort(CLIENT_GONE), { once: true });
  return exchange;
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const query = url.indexOf('?', start);
  return start === -1 ? '/' : url.slice(start, query === -1 ? undefined : query);
}

/** What load balancers, collectors and an open dashboard ask by the clock. */
const BY_THE_CLOCK = /^\/(?:healthz|readyz|metrics|dashboard\/data)$/;

/** Health, readiness and metrics are answered to the last. */
function refuseWhileDraining(url: string, draining: boolean): void {
  if (!draining || /^\/(?:healthz|readyz|metrics)$/.test(pathOf(url))) return;
  throw new GatewayError('shutting_down', {
    retryAfterMs: 1_000,
    headers: { connection: 'close' },
  });
}
