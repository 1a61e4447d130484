// What can go wrong, as one error type with the gateway's own code.

export interface ChatErrorDetails {
  /** A code of the gateway's catalogue (GET /errors), or `network_error` when it could not be reached in time. */
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
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: string;
  readonly param: string | null;
  readonly retryable: boolean;
  readonly requestId: string | null;
  readonly status: number | null;
  /** The part of the answer that had come. */
  readonly text: string;

  constructor(details: ChatErrorDetails, text: string, cause?: unknown) {
    super(details.message, { cause });
    this.code = details.code;
    this.param = details.param;
    this.retryable = details.retryable;
    this.requestId = details.requestId;
    this.status = details.status;
    this.text = text;
  }
}

/** Reads the gateway's error envelope; whatever else it is given becomes a `network_error`. */
export function errorDetails(body: string, status: number | null): ChatErrorDetails {
  const error = envelopeIn(body);
  return {
    code: textOf(error['code']) ?? 'network_error',
    message:
      textOf(error['message']) ??
      `The gateway answered HTTP ${status} without an error of its own.`,
    param: textOf(error['param']),
    retryable: error['retryable'] === true,
    requestId: textOf(error['request_id']),
    status,
  };
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
