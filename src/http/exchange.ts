// One request and all that belongs to it while it is served: id, signal, record, rate decision. Made when the
// request arrives, handed to its handler, finished exactly once.
import type { Context } from 'hono';
import type { Principal } from '../access/credentials.ts';
import type { RateDecision } from '../access/rate-limit.ts';
import type { Clock } from '../domain/clock.ts';
import type { RequestRecord } from '../observe/request-record.ts';

export interface Exchange {
  readonly request: Request;
  readonly requestId: string;
  readonly record: RequestRecord;
  readonly clock: Clock;
  /** Aborts when the client leaves or the gateway gives up on the request; everything done for it hangs on this. */
  readonly signal: AbortSignal;
  /** Ends the request from our side; the reason is what the client is told. */
  abort(reason: unknown): void;
  /** The address that the connection comes from: a proxy's, where there is one. */
  peerAddress(): string | null;
  /** The request was read and accepted: from now on only its own limits apply to the connection. */
  liftReadTimeout(): void;
  /** The exchange is over, with the error that ended it, if any. Later calls do nothing. */
  finish(error?: unknown): void;
  /** Counts further bytes of the body that is being read, beyond those it declared; throws `overloaded`. */
  hold(bytes: number): void;
  /** Bytes of its body that it is charged with: see http/admission. */
  heldBytes: number;
  /** True once the reply's body is written by somebody who will call `finish`; otherwise the returned reply is the end. */
  heldOpen: boolean;
  principal?: Principal;
  rate?: RateDecision;
}

export interface HttpEnv {
  Bindings: { exchange: Exchange };
}

export type HttpContext = Context<HttpEnv>;
