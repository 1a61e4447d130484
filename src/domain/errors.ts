// The one error that is thrown on purpose: a code of the catalogue, and what is particular about this case.
import { ERROR_CATALOGUE, type CatalogueEntry, type ErrorCode } from './error-catalogue.ts';

export type { ErrorCode } from './error-catalogue.ts';

export interface ErrorDetails {
  /** What was wrong here and what to do; the catalogue's description and remediation where absent. */
  message?: string;
  /** What the log is told instead, where the message quotes somebody: upstreams quote prompts. */
  logged?: string;
  /** The exact field, header or parameter at fault, e.g. `messages[0].content[1].image_url.url`. */
  param?: string;
  /** How long to wait before a retry can help, in milliseconds. */
  retryAfterMs?: number;
  /** Overrides the catalogue's status: only for an upstream's own 4xx. */
  status?: number;
  /** Further reply headers, such as `allow`. */
  headers?: Readonly<Record<string, string>>;
  /** The request that the error belongs to, where a later one is told of it too. */
  requestId?: string;
  cause?: unknown;
}

/** What is told of any thrown value: what is not a GatewayError is `internal_error`, its details for the log alone. */
export function toGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError
    ? error
    : new GatewayError('internal_error', { cause: error });
}

/** The one error that handlers throw; everything the client is told follows from the code. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The message without anything that an upstream said. */
  readonly logged: string;
  readonly #requestId: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const entry: CatalogueEntry = ERROR_CATALOGUE[code];
    super(details.message ?? `${entry.description} ${entry.remediation}`, { cause: details.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.param = details.param ?? null;
    this.logged = details.logged ?? this.message;
    this.status = details.status ?? entry.http_status;
    this.retryAfterMs = details.retryAfterMs;
    this.headers = details.headers ?? {};
    this.#requestId = details.requestId;
  }

  /** JSON text of the one envelope that clients are told of an error in. */
  envelope(requestId: string): string {
    const { code, message, param } = this;
    const { type, retryable } = this.entry;
    return JSON.stringify({
      error: { type, code, message, param, retryable, request_id: this.#requestId ?? requestId },
    });
  }

  /** The same error with some details changed; headers are added to those that it has. */
  with(
    details: Pick<ErrorDetails, 'headers' | 'requestId' | 'message' | 'retryAfterMs'>,
  ): GatewayError {
    const { status, cause, param, logged } = this;
    const retryAfterMs = details.retryAfterMs ?? this.retryAfterMs;
    const requestId = details.requestId ?? this.#requestId;
    return new GatewayError(this.code, {
      message: details.message ?? this.message,
      status,
      cause,
      logged,
      headers: { ...this.headers, ...details.headers },
      ...(param === null ? {} : { param }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(requestId === undefined ? {} : { requestId }),
    });
  }

  get entry(): CatalogueEntry {
    return ERROR_CATALOGUE[this.code];
  }
}
