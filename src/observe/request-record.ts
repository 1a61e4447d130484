// What is learnt of one request on its way through, for its log line, its span and the metrics. Handlers fill it in; it
// never holds content, credentials or headers.
import type { ErrorCode } from '../domain/errors.ts';
import type { TokenCounts } from '../domain/message.ts';
import type { TraceContext } from '../domain/trace-context.ts';

export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** As the table of routes has it; absent where nothing is served. */
  route?: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  status: number;
  stream: boolean;
  alias?: string;
  upstream?: string;
  upstreamModel?: string;
  attempts?: number;
  /** Monotonic milliseconds at which the upstream was asked, and at which it first answered. */
  askedAt?: number;
  answeredAt?: number;
  usage?: TokenCounts;
  conversationId?: string;
  turnId?: string;
  errorCode?: ErrorCode;
  /** The client left before the reply was complete. */
  clientGone?: boolean;
  /** It was there, but did not read: so it was left. */
  clientStalled?: boolean;
  /** The request's place in a trace; absent where nothing is traced. */
  trace?: TraceContext;
  /** The turn that it follows or ends, where that was begun by another request. */
  linkedTo?: TraceContext;
}
