// One request and all that belongs to it while it is served: id, signal, record, rate decision. Made when the
// request arrives, handed to its handler, finished exactly once.
import type { Context } from 'hono';
import type { Principal } from '../access/credentials.ts';
import type { RateDecision } from '../access/rate-limit.ts';
import type { Clock } from '../domain/clock.ts';
import { Stopper, type Stop } from '../domain/stop.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import { CLIENT_GONE, CLIENT_STALLED, isClientGone } from './client-gone.ts';
import type { IncomingRequest } from './wire/incoming.ts';

export interface ExchangeDeps {
  readonly clock: Clock;
  /** Counts bytes that it holds; throws `overloaded`. */
  hold(exchange: Exchange, bytes: number): void;
  /** Told once that it is over, with the error that ended it, if any. */
  onFinish(exchange: Exchange, error: unknown): void;
}

export class Exchange {
  readonly request: IncomingRequest;
  readonly requestId: string;
  readonly record: RequestRecord;
  /** Bytes of its body that it is charged with: see http/admission. */
  heldBytes = 0;
  /** True once the reply's body is written by somebody who will call `finish`; otherwise the returned reply is the end. */
  heldOpen = false;
  principal?: Principal;
  rate?: RateDecision;
  readonly #deps: ExchangeDeps;
  readonly #stopper = new Stopper();

  constructor(request: IncomingRequest, requestId: string, deps: ExchangeDeps) {
    this.request = request;
    this.requestId = requestId;
    this.#deps = deps;
    this.record = {
      requestId,
      method: request.method,
      path: request.path,
      startedAt: deps.clock.elapsed(),
      status: 200,
      stream: false,
    };
    request.onGone = () => this.abort(CLIENT_GONE);
  }

  /** Aborts when the client leaves or the gateway gives up on the request; everything done for it hangs on this. */
  get signal(): Stop {
    return this.#stopper;
  }
  get clock(): Clock {
    return this.#deps.clock;
  }

  /** Ends the request from our side; the reason is what the client is told. */
  abort(reason: unknown): void {
    if (isClientGone(reason)) this.record.clientGone = true;
    if (reason === CLIENT_STALLED) this.record.clientStalled = true;
    this.#stopper.stop(reason);
  }

  /** The exchange is over, with the error that ended it, if any. Later calls do nothing. */
  finish(error?: unknown): void {
    this.#deps.onFinish(this, error);
  }

  /** Counts further bytes of the body that is being read, beyond those it declared; throws `overloaded`. */
  hold(bytes: number): void {
    this.#deps.hold(this, bytes);
  }
}

export interface HttpEnv {
  Bindings: { exchange: Exchange };
}

export type HttpContext = Context<HttpEnv>;
