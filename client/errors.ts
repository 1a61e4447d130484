// What can go wrong, as one error type with the gateway's own code.

export interface ChatErrorDetails {
  /**
   * A code of the gateway's catalogue (GET /errors); or `network_error` when it could not be reached in time or something
   * else answered in its place, and `answer_changed` when the stored answer is not the one that was begun.
   */
  readonly code: string;
  readonly message: string;
  /** The request field at fault, if any. */
  readonly param: string | null;
  /** Whether sending the message again, as a new turn, may help. */
  readonly retryable: boolean;
  readonly requestId: string | null;
  /** The HTTP status; null for an error inside a stream, or when there was no reply. */
  readonly status: number | null;
}

/** A turn that did not complete. `text` is everything that was yielded before. */
export class ChatError extends Error implements ChatErrorDetails {
  override readonly name = 'ChatError';
  readonly code: string;
  readonly param: string | null;
  readonly retryable: boolean;
  readonly requestId: string | null;
  readonly status: number | null;
  /** The part of the answer that had come. */
  readonly text: string;

  constructor(details: ChatErrorDetails, text: string, cause?: unknown) {
    super(details.message, cause === undefined ? {} : { cause });
    this.code = details.code;
    this.param = details.param;
    this.retryable = details.retryable;
    this.requestId = details.requestId;
    this.status = details.status;
    this.text = text;
  }
}

/** An error that the client finds by itself. */
export function ownError(
  code: 'network_error' | 'answer_changed',
  message: string,
  status: number | null = null,
): ChatErrorDetails {
  // A network may be better in a minute; an answer that changed has changed.
  const retryable = code === 'network_error' && (status === null || isGatewayAway(status));
  return { code, message, param: null, retryable, requestId: null, status };
}

/** Reads the gateway's error envelope; whatever else it is given becomes a `network_error`. */
export function errorDetails(body: string, status: number | null): ChatErrorDetails {
  const error = envelopeIn(body);
  const code = textOf(error['code']);
  if (code === null) {
    return ownError(
      'network_error',
      `HTTP ${status} came without an error of the gateway: is it the gateway that answered?`,
      status,
    );
  }
  return {
    code,
    message: textOf(error['message']) ?? code,
    param: textOf(error['param']),
    retryable: error['retryable'] === true,
    requestId: textOf(error['request_id']),
    status,
  };
}

/** These say nothing about the message or its turn: only that the gateway cannot look after it right now. */
const PASSING: ReadonlySet<string> = new Set([
  'rate_limit_exceeded',
  'too_many_streams',
  'storage_unavailable',
  'shutting_down',
]);

/** Whether the same request, a little later, may well be answered. */
export function isPassing({ code, retryable }: ChatErrorDetails): boolean {
  return retryable && (code === 'network_error' || PASSING.has(code));
}

/** What a proxy answers while the gateway is away or busy. */
function isGatewayAway(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

function envelopeIn(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    const error: unknown = isRecord(value) ? value['error'] : null;
    return isRecord(error) ? error : {};
  } catch {
    // A proxy's page, say: the status is all that can be told.
    return {};
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
