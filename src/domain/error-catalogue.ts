// THE error catalogue: the only place that knows a code's status, type, retryability and words.
// domain/errors throws by it, http/refuse renders it, GET /errors serves it, the manual is generated from it. Codes are never repurposed.

type ErrorType =
  | 'authentication_error'
  | 'permission_denied'
  | 'rate_limit_exceeded'
  | 'invalid_request_error'
  | 'conflict'
  | 'not_found'
  | 'upstream_error'
  | 'internal_error';

export interface CatalogueEntry {
  readonly type: ErrorType;
  readonly http_status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly description: string;
  readonly remediation: string;
  readonly typical_param: string | null;
}

export const ERROR_CATALOGUE = {
  missing_authorization: {
    type: 'authentication_error',
    http_status: 401,
    retryable: false,
    title: 'No credentials',
    description: 'The request carries neither an Authorization nor an x-api-key header.',
    remediation: 'Send "Authorization: Bearer <token>" or "x-api-key: <token>".',
    typical_param: null,
  },
  invalid_authorization: {
    type: 'authentication_error',
    http_status: 401,
    retryable: false,
    title: 'Wrong credentials',
    description:
      'The token is not the one this gateway was started with, or the header is not a Bearer token.',
    remediation:
      'Check the token against RUST_API_BEARER on the server, or the token file that the server names at start.',
    typical_param: null,
  },
  forbidden: {
    type: 'permission_denied',
    http_status: 403,
    retryable: false,
    title: 'Not allowed',
    description: 'The token is valid, but not for this action.',
    remediation: 'Use a token with the needed permission, or ask the operator for one.',
    typical_param: null,
  },
  rate_limit_exceeded: {
    type: 'rate_limit_exceeded',
    http_status: 429,
    retryable: true,
    title: 'Too many requests',
    description: "The token's request budget is used up for the moment.",
    remediation: 'Wait for the time in the retry-after header, then send the request again.',
    typical_param: null,
  },
  too_many_streams: {
    type: 'rate_limit_exceeded',
    http_status: 429,
    retryable: true,
    title: 'Too many requests in flight',
    description:
      'The gateway or the upstream is already serving as many requests at once as it may.',
    remediation:
      'Wait for the time in the retry-after header, or let a running request finish first.',
    typical_param: null,
  },
  model_quota_exhausted: {
    type: 'rate_limit_exceeded',
    http_status: 429,
    retryable: false,
    title: 'Quota used up',
    description: "The token's quota for this model is exhausted.",
    remediation: 'Use another model, or ask the operator to raise the quota.',
    typical_param: 'model',
  },
  body_too_large: {
    type: 'invalid_request_error',
    http_status: 413,
    retryable: false,
    title: 'Request body too large',
    description: 'The body exceeds the configured ceiling (MAX_BODY_BYTES).',
    remediation:
      'Send less: shorten the history or shrink the images. Operators can raise MAX_BODY_BYTES.',
    typical_param: null,
  },
  unsupported_media_type: {
    type: 'invalid_request_error',
    http_status: 415,
    retryable: false,
    title: 'Not JSON',
    description: 'The body is declared as something other than uncompressed JSON.',
    remediation: 'Send "Content-Type: application/json" and no Content-Encoding.',
    typical_param: 'content-type',
  },
  invalid_json: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Malformed JSON',
    description:
      'The body is not one JSON object in UTF-8, names a top-level key twice, or nests deeper than the limit.',
    remediation: 'Send one well-formed JSON object in UTF-8, each top-level key once.',
    typical_param: null,
  },
  missing_field: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Required field missing',
    description: 'A field that this route needs is absent.',
    remediation: 'Add the field that param names.',
    typical_param: 'messages',
  },
  invalid_field: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Field has a wrong value',
    description:
      'A field, query parameter or header has the wrong type or a value outside its range.',
    remediation: 'Correct the field that param names, as the message says.',
    typical_param: 'messages[0].role',
  },
  model_not_in_allowlist: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Unknown model',
    description: 'The model is not one of the aliases that this gateway serves.',
    remediation: 'Pick one of the aliases that GET /v1/info or GET /v1/models lists.',
    typical_param: 'model',
  },
  max_tokens_below_minimum: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Token limit below 1',
    description:
      'max_tokens or max_completion_tokens is zero or negative, so no answer could be given.',
    remediation:
      "Ask for at least 1 token. Values between 1 and a model's own floor are raised to that floor.",
    typical_param: 'max_tokens',
  },
  image_url_not_supported: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Image URLs are not fetched',
    description: 'The gateway never fetches a URL on behalf of a request; images must be inline.',
    remediation: 'Send the image as a base64 data URI: data:image/png;base64,….',
    typical_param: 'messages[0].content[1].image_url.url',
  },
  image_decode_error: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Unreadable image',
    description:
      'The data URI is malformed, its base64 is broken, or its bytes are not the image type it claims.',
    remediation: 'Send PNG, JPEG, WebP or GIF bytes in strict base64 under their own MIME type.',
    typical_param: 'messages[0].content[1].image_url.url',
  },
  modality_not_supported: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'The model cannot do that',
    description:
      'The request uses images, tools or another feature that the chosen model does not have.',
    remediation: 'Pick a model with that capability: GET /v1/info lists them.',
    typical_param: 'messages[0].content[1]',
  },
  context_length_exceeded: {
    type: 'invalid_request_error',
    http_status: 400,
    retryable: false,
    title: 'Prompt too long',
    description: "The prompt and the requested answer do not fit into the model's context window.",
    remediation:
      'Shorten the messages, lower max_tokens, or pick a model with a larger context window.',
    typical_param: 'messages',
  },
  idempotency_key_reused: {
    type: 'invalid_request_error',
    http_status: 422,
    retryable: false,
    title: 'Idempotency key used for another request',
    description: 'The same Idempotency-Key came before with a different body.',
    remediation:
      'Send a fresh key for each new request; repeat a key only with the identical body.',
    typical_param: 'idempotency-key',
  },
  conversation_busy: {
    type: 'conflict',
    http_status: 409,
    retryable: true,
    title: 'A turn is running',
    description: 'The conversation already has a turn in progress, and turns never interleave.',
    remediation: 'Wait for the running turn to end, or cancel it, then send the message again.',
    typical_param: 'conversation_id',
  },
  head_moved: {
    type: 'conflict',
    http_status: 409,
    retryable: false,
    title: 'The conversation has moved on',
    description: 'expected_head is no longer the latest message of the conversation.',
    remediation: 'Read the conversation again and decide whether the message still fits.',
    typical_param: 'expected_head',
  },
  turn_cancelled: {
    type: 'conflict',
    http_status: 409,
    retryable: false,
    title: 'The turn was cancelled',
    description:
      'Somebody cancelled the turn, or nobody followed it for too long. What was visible of its answer is kept.',
    remediation: 'Send the message again if the answer is still wanted.',
    typical_param: null,
  },
  route_not_found: {
    type: 'not_found',
    http_status: 404,
    retryable: false,
    title: 'No such route',
    description: 'The gateway serves nothing at this path.',
    remediation: 'Check the path; the README lists the routes.',
    typical_param: null,
  },
  model_not_found: {
    type: 'not_found',
    http_status: 404,
    retryable: false,
    title: 'No such model',
    description: 'GET /v1/models/{id} was asked for an alias that this gateway does not serve.',
    remediation: 'GET /v1/models lists the aliases that are served.',
    typical_param: 'id',
  },
  conversation_not_found: {
    type: 'not_found',
    http_status: 404,
    retryable: false,
    title: 'No such conversation',
    description: 'The conversation does not exist, was deleted, or belongs to somebody else.',
    remediation:
      'Check conversation_id and user_id, or start a new conversation by leaving conversation_id out.',
    typical_param: 'conversation_id',
  },
  turn_not_found: {
    type: 'not_found',
    http_status: 404,
    retryable: false,
    title: 'No such turn',
    description: 'The turn does not exist, was deleted, or belongs to somebody else.',
    remediation:
      'Check the turn id: it is in the x-turn-id header of the reply that started the turn.',
    typical_param: 'turn_id',
  },
  method_not_allowed: {
    type: 'invalid_request_error',
    http_status: 405,
    retryable: false,
    title: 'Wrong method',
    description: 'The path exists, but not for this HTTP method.',
    remediation: 'Use one of the methods in the allow header.',
    typical_param: null,
  },
  upstream_rejected: {
    type: 'upstream_error',
    http_status: 400,
    retryable: false,
    title: 'The model server refused the request',
    description:
      'The upstream answered with a client error; its own message is kept, and its status where it is a 4xx.',
    remediation: 'Change the request as the upstream message says.',
    typical_param: null,
  },
  upstream_rate_limited: {
    type: 'upstream_error',
    http_status: 429,
    retryable: true,
    title: 'The model server is rate limiting',
    description: 'The upstream answered 429.',
    remediation: 'Wait for the time in the retry-after header, then send the request again.',
    typical_param: null,
  },
  upstream_auth_failed: {
    type: 'upstream_error',
    http_status: 502,
    retryable: false,
    title: "The model server refused the gateway's key",
    description: "The upstream did not accept the gateway's own credentials. Your token is fine.",
    remediation: "The operator has to check the upstream's api_key.",
    typical_param: null,
  },
  upstream_unavailable: {
    type: 'upstream_error',
    http_status: 503,
    retryable: true,
    title: 'No model server available',
    description: 'No upstream of this model could be reached, or each one failed.',
    remediation: 'Try again shortly; GET /readyz shows which upstreams are down.',
    typical_param: null,
  },
  upstream_timeout: {
    type: 'upstream_error',
    http_status: 504,
    retryable: true,
    title: 'The model server took too long',
    description: 'The upstream missed one of its time limits; the message names which.',
    remediation: "Try again, or have the operator raise the upstream's timeouts.",
    typical_param: null,
  },
  upstream_protocol_error: {
    type: 'upstream_error',
    http_status: 502,
    retryable: true,
    title: 'The model server sent something unreadable',
    description: "The upstream's reply is not what its protocol allows.",
    remediation: 'Try again; if it persists, the operator should look at the upstream.',
    typical_param: null,
  },
  upstream_interrupted: {
    type: 'upstream_error',
    http_status: 502,
    retryable: true,
    title: 'The answer was cut off',
    description:
      'The upstream stopped before its answer was complete. What came before is incomplete.',
    remediation: 'Treat the partial answer as unfinished and send the request again.',
    typical_param: null,
  },
  storage_unavailable: {
    type: 'internal_error',
    http_status: 503,
    retryable: true,
    title: 'The conversation store is unavailable',
    description: 'Conversations cannot be read or written right now. /v1 is not affected.',
    remediation: 'Try again shortly; GET /readyz shows the state of the store.',
    typical_param: null,
  },
  overloaded: {
    type: 'internal_error',
    http_status: 503,
    retryable: true,
    title: 'The gateway is overloaded',
    description: 'The gateway has as much to do as it can, and refuses what would slow all down.',
    remediation:
      'Wait for the time in the retry-after header, then send the request again: it has not been processed.',
    typical_param: null,
  },
  shutting_down: {
    type: 'internal_error',
    http_status: 503,
    retryable: true,
    title: 'The gateway is shutting down',
    description: 'The gateway is stopping and takes no new requests.',
    remediation: 'Try again shortly: the request has not been processed.',
    typical_param: null,
  },
  internal_error: {
    type: 'internal_error',
    http_status: 500,
    retryable: true,
    title: 'A fault in the gateway',
    description:
      'Something failed that should not have. The log has the details under the request id.',
    remediation: 'Try again; if it persists, report it with the request id.',
    typical_param: null,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
