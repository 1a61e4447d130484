// From a request on the wire to an exchange: makes it, runs the app, sets the headers of every reply, and knows which
// exchanges are open, so that a drain can wait for them.
import { saneRequestId, newId } from '../domain/ids.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError, toGatewayError } from '../domain/errors.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Probe } from '../observe/probe.ts';
import type { Admission } from './admission.ts';
import type { App } from './app.ts';
import { Exchange, type ExchangeDeps } from './exchange.ts';
import { refuseAmbiguous } from './gates.ts';
import { errorReply } from './refuse.ts';
import { setCommonHeaders } from './reply.ts';
import type { IncomingRequest } from './wire/incoming.ts';
import type { Reply } from './wire/reply.ts';
import type { RequestHeaders } from './wire/request-head.ts';

export interface HttpServer {
  /** Never rejects. */
  answer(request: IncomingRequest): Promise<Reply>;
  openExchanges(): number;
  /** When the last request ended that asked for more than how the gateway is; null before there was one. */
  lastAskedAt(): number | null;
  /** Resolves when no exchange is open. */
  whenIdle(): Promise<void>;
  /** Ends every open exchange; streams end with this error as their last event. */
  abortAll(reason: GatewayError): void;
}

type TraceOf = (headers: RequestHeaders) => TraceContext;

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
  const exchangeDeps: ExchangeDeps = {
    clock: deps.clock,
    hold: (exchange, bytes) => deps.admission.hold(exchange, bytes),
    onFinish: finished,
  };

  function begin(request: IncomingRequest): Exchange {
    const requestId = saneRequestId(request.headers.get('x-request-id')) ?? newId('req');
    const exchange = new Exchange(request, requestId, exchangeDeps);
    if (deps.traceOf) exchange.record.trace = deps.traceOf(request.headers);
    open.add(exchange);
    return exchange;
  }

  /** The reply's last headers; an exchange that nobody holds open is over. */
  function replied(exchange: Exchange, reply: Reply): Reply {
    exchange.record.status = reply.status;
    setCommonHeaders(reply.headers, exchange);
    if (deps.isDraining()) reply.headers.set('connection', 'close');
    if (!exchange.heldOpen) exchange.finish();
    return reply;
  }

  return {
    async answer(request) {
      const exchange = begin(request);
      try {
        refuseAmbiguous(request.headers);
        refuseWhileDraining(exchange.record.path, deps.isDraining());
        return replied(exchange, await deps.app().answer(exchange));
      } catch (error) {
        exchange.finish(error);
        return replied(exchange, errorReply(toGatewayError(error), exchange.requestId));
      }
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

/** What load balancers, collectors and an open dashboard ask by the clock. */
const BY_THE_CLOCK = /^\/(?:healthz|readyz|metrics|dashboard\/data)$/;

/** Health, readiness and metrics are answered to the last. */
function refuseWhileDraining(path: string, draining: boolean): void {
  if (!draining || /^\/(?:healthz|readyz|metrics)$/.test(path)) return;
  throw new GatewayError('shutting_down', {
    retryAfterMs: 1_000,
    headers: { connection: 'close' },
  });
}
