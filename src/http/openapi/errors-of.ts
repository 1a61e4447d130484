// Which errors a route can answer: those that follow from its kind, and its own; with the replies that tell them.
// test/openapi-*.test.ts refuse a code that comes and is not told of here.
import { ERROR_CATALOGUE, type CatalogueEntry } from '../../domain/error-catalogue.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { ANSWER_HEADERS, headersOf, RATE_HEADERS, type HeaderName } from './headers.ts';
import type { JsonObject } from './json-object.ts';
import { JSON_TYPE, type Operation } from './operation.ts';
import { schemaOf } from './schemas.ts';
import { errorShape } from '../site/status-shapes.ts';

/** Of a body of which nothing is required. */
export const TEXT_ERRORS: readonly ErrorCode[] = [
  'invalid_json',
  'body_too_large',
  'unsupported_media_type',
];

export const BODY_ERRORS: readonly ErrorCode[] = [...TEXT_ERRORS, 'missing_field'];

export const STORE_ERRORS: readonly ErrorCode[] = ['storage_unavailable'];

/** What asking a model can end in. */
export const MODEL_ERRORS: readonly ErrorCode[] = [
  'model_not_in_allowlist',
  'max_tokens_below_minimum',
  'image_url_not_supported',
  'image_decode_error',
  'modality_not_supported',
  'context_length_exceeded',
  'too_many_streams',
  'upstream_rejected',
  'upstream_rate_limited',
  'upstream_auth_failed',
  'upstream_protocol_error',
  'upstream_interrupted',
  'upstream_unavailable',
  'upstream_timeout',
];

/** Of a request that HTTP libraries could read in two ways; and faults of ours. */
const ANY_ROUTE: readonly ErrorCode[] = ['invalid_field', 'internal_error'];
const TOKEN_ROUTE: readonly ErrorCode[] = [
  'missing_authorization',
  'invalid_authorization',
  'rate_limit_exceeded',
];
/** Answered while the gateway stops. */
const TO_THE_LAST = new Set(['/healthz', '/readyz', '/metrics']);

export interface ErrorsOfRoute {
  readonly access: 'public' | 'token' | 'local' | 'browser' | 'relief';
  readonly path: string;
  readonly operation: Operation;
}

export function codesOf({ access, path, operation }: ErrorsOfRoute): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([
    ...(access === 'public' ? [] : TOKEN_ROUTE),
    ...(access === 'token' ? (['overloaded'] as const) : []),
    ...ANY_ROUTE,
    ...(operation.errors ?? []),
    ...(TO_THE_LAST.has(path) ? [] : (['shutting_down'] as const)),
  ]);
  // In the catalogue's order.
  return CODES.filter((code) => codes.has(code));
}

const CODES = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
const entryOf = (code: ErrorCode): CatalogueEntry => ERROR_CATALOGUE[code];

/** The error replies of a route, by status. */
export function errorReplies(route: ErrorsOfRoute): JsonObject {
  const codes = codesOf(route);
  const byStatus = Map.groupBy(codes, (code) => String(entryOf(code).http_status));
  if (codes.includes('upstream_rejected')) addUpstreamStatuses(byStatus);
  const sorted = [...byStatus].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([status, told]) => [status, errorReply(told, status, route)]),
  );
}

/** An upstream's own 4xx is kept, beside ours; all but those that have codes of their own. */
function addUpstreamStatuses(byStatus: Map<string, ErrorCode[]>): void {
  for (const [status, codes] of byStatus) {
    if (status.startsWith('4') && !['400', '401', '429'].includes(status)) {
      codes.push('upstream_rejected');
    }
  }
  byStatus.set('4XX', ['upstream_rejected']);
}

function errorReply(
  codes: readonly ErrorCode[],
  status: string,
  { access, path, operation }: ErrorsOfRoute,
): JsonObject {
  const describe = (code: ErrorCode) =>
    `[\`${code}\`](/docs/errors#${code}): ${entryOf(code).description}`;
  // A browser gets a page instead.
  const isPage = operation.tag === 'Pages' && status === '404' && path.includes('{');
  return {
    description:
      codes.length === 1
        ? codes.map(describe).join('')
        : codes.map((code) => `- ${describe(code)}`).join('\n'),
    headers: headersOf(
      ['cache-control', ...(isPage ? [] : retryHeaders(codes, 'every'))],
      [
        ...retryHeaders(codes, 'some'),
        ...(status === '401' ? (['www-authenticate'] as const) : []),
        ...(access === 'public' || status === '401' ? [] : RATE_HEADERS),
        ...(operation.errors?.includes('upstream_unavailable') ? ANSWER_HEADERS : []),
        ...(operation.errorHeaders ?? []),
      ],
    ),
    content: {
      [JSON_TYPE]: {
        schema: schemaOf(errorShape),
        examples: Object.fromEntries(
          codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
        ),
      },
      ...(isPage ? { 'text/html': HTML } : {}),
    },
    'x-error-codes': codes,
  };
}

const HTML = {
  schema: { type: 'string' },
  examples: { page: { summary: 'A page that says so', value: '<!doctype html>…' } },
};

/** How an error tells whether to try again; which of its headers come with each of the codes, or with some. */
function retryHeaders(codes: readonly ErrorCode[], which: 'every' | 'some'): HeaderName[] {
  const retryable = codes.filter((code) => entryOf(code).retryable).length;
  const wanted = which === 'every' ? codes.length : 1;
  return [
    ...(retryable >= wanted ? (['retry-after', 'retry-after-ms'] as const) : []),
    ...(codes.length - retryable >= wanted ? (['x-should-retry'] as const) : []),
  ];
}

/** An example of each error. */
export function errorExamples(): JsonObject {
  return Object.fromEntries(
    CODES.map((code) => {
      const { type, title, description, remediation, typical_param, retryable } = entryOf(code);
      const error = {
        type,
        code,
        message: `${description} ${remediation}`,
        param: typical_param,
        retryable,
        request_id: 'req_01a213080d9d7791ac2ea36ff0172101',
      };
      return [code, { summary: title, value: { error } }];
    }),
  );
}
