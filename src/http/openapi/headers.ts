// The headers of replies, each described once. Those that belong to the connection (date, content-length,
// transfer-encoding, connection) and content-type are HTTP's own and are not listed.
import type { JsonObject } from './json-object.ts';

interface Header {
  readonly description: string;
  readonly schema: JsonObject;
  readonly example: string | number;
}

const whole = { type: 'integer', minimum: 0 };
const text = { type: 'string' };

const guard = (value: string) => ({
  description: 'Keeps a page to itself.',
  schema: { const: value },
  example: value,
});

const HEADERS = {
  'x-request-id': {
    description:
      'Names this request, in errors and in the log: your own `X-Request-Id` if it is 1 to 128 letters, digits, `_`, `.`, `:` or `-`, else one of ours.',
    schema: text,
    example: 'req_01a213080d9d7791ac2ea36ff0172101',
  },
  'x-ratelimit-limit-requests': {
    description: 'How many requests the token may make at once.',
    schema: whole,
    example: 60,
  },
  'x-ratelimit-remaining-requests': {
    description: 'How many of them are left now.',
    schema: whole,
    example: 59,
  },
  'x-ratelimit-reset-requests': {
    description: 'When all of them will be back: milliseconds, with their unit.',
    schema: { type: 'string', pattern: '^\\d+ms$' },
    example: '100ms',
  },
  'x-gateway-upstream': {
    description:
      'Who answered: an upstream of the configuration, or `demo` for the built-in demo engine. On an error, who was asked last. Of a stream that was silent for long at first, who was being asked when its headers went out.',
    schema: text,
    example: 'spark',
  },
  'x-gateway-attempts': {
    description: 'How many times upstreams were asked for this reply.',
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  'server-timing': {
    description:
      'Milliseconds: `queue` before an upstream was asked, `upstream` from then to its first byte, `total` for a whole reply.',
    schema: text,
    example: 'queue;dur=0.4, upstream;dur=212.8, total;dur=980.1',
  },
  'x-gateway-applied': {
    description:
      'What the gateway changed: `max_tokens_floored=<limit>` where a limit was below the floor of the model, `history_compacted=<turns>` where the oldest turns no longer fit its window.',
    schema: text,
    example: 'max_tokens_floored=200',
  },
  'x-conversation-id': {
    description: 'The conversation. Send it as `conversation_id` with the next message.',
    schema: text,
    example: 'conv_01a213080dd37433984f0b292294b43b',
  },
  'x-turn-id': {
    description: 'The turn: what to resume, look at or cancel.',
    schema: text,
    example: 'turn_01a213080dd2749998005903697dd74b',
  },
  'idempotent-replayed': {
    description: 'The `Idempotency-Key` was known: this is the turn that it made, not a new one.',
    schema: { const: 'true' },
    example: 'true',
  },
  'retry-after': {
    description: 'Seconds to wait before the same request can succeed; never above 60.',
    schema: { type: 'integer', minimum: 1, maximum: 60 },
    example: 1,
  },
  'retry-after-ms': {
    description: 'The same in milliseconds.',
    schema: { type: 'integer', minimum: 1, maximum: 60_000 },
    example: 1000,
  },
  'x-should-retry': {
    description: '`false`: the same request will fail again.',
    schema: { const: 'false' },
    example: 'false',
  },
  'www-authenticate': {
    description: 'How to authenticate.',
    schema: { const: 'Bearer' },
    example: 'Bearer',
  },
  'cache-control': {
    description: 'Whether the reply may be kept.',
    schema: text,
    example: 'no-store',
  },
  'x-accel-buffering': {
    description: 'Keeps nginx from holding tokens back.',
    schema: { const: 'no' },
    example: 'no',
  },
  'content-disposition': {
    description: 'A name for the file.',
    schema: text,
    example: 'attachment; filename="conv_01a213080dd37433984f0b292294b43b.jsonl"',
  },
  vary: {
    description: 'What of the request decides which form of the reply is sent.',
    schema: text,
    example: 'accept-encoding',
  },
  'content-security-policy': {
    description: 'Keeps a page to itself: nothing from other hosts, no script but ours.',
    schema: text,
    example: "default-src 'none'; script-src 'self'",
  },
  'x-content-type-options': guard('nosniff'),
  'x-frame-options': guard('DENY'),
  'referrer-policy': guard('no-referrer'),
  'cross-origin-opener-policy': guard('same-origin'),
  'cross-origin-resource-policy': guard('same-origin'),
  'permissions-policy': {
    description: 'A page uses neither camera nor microphone nor place.',
    schema: text,
    example: 'camera=(), microphone=(), geolocation=()',
  },
  etag: {
    description: 'Names this version: send it as `If-None-Match` to be spared the body.',
    schema: text,
    example: '"5f1d6a2b"',
  },
} as const satisfies Record<string, Header>;

export type HeaderName = keyof typeof HEADERS;

export const RATE_HEADERS: readonly HeaderName[] = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
];

/** Who answered and how long it took. */
export const ANSWER_HEADERS: readonly HeaderName[] = [
  'x-gateway-upstream',
  'x-gateway-attempts',
  'server-timing',
];

export const STREAM_HEADERS: readonly HeaderName[] = ['cache-control', 'x-accel-buffering'];

export const PAGE_HEADERS: readonly HeaderName[] = [
  'cache-control',
  'etag',
  'vary',
  'content-security-policy',
  'x-content-type-options',
  'x-frame-options',
  'referrer-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'permissions-policy',
];

/** On every reply, whatever it is. */
const ALWAYS = 'x-request-id';

export const headerComponents: Readonly<Record<string, Header & { required?: boolean }>> = {
  ...HEADERS,
  [ALWAYS]: { ...HEADERS[ALWAYS], required: true },
};

/** The headers of one reply. A required one is written out, as a reference can add nothing. */
export function headersOf(
  required: readonly HeaderName[],
  optional: readonly HeaderName[],
): JsonObject {
  return Object.fromEntries([
    [ALWAYS, { $ref: refTo(ALWAYS) }],
    ...required.map((name) => [name, { ...HEADERS[name], required: true }]),
    ...optional
      .filter((name) => !required.includes(name))
      .map((name) => [name, { $ref: refTo(name) }]),
  ]);
}

function refTo(name: HeaderName): string {
  return `#/components/headers/${name}`;
}
