// What spans say of requests, turns and calls, in the names of OpenTelemetry's conventions (HTTP, generative AI); what
// they have no name for begins with `gateway.`.
import { MAX_SPAN_TEXT_CHARS } from '../domain/limits.ts';
import type { FinishedCall } from './call-record.ts';
import type { RequestRecord } from './request-record.ts';
import type { Attributes } from './span.ts';
import type { FinishedTurn } from './turn-record.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS']);

/** As in a span's name, where methods that nobody knows are called HTTP. */
export function methodOf({ method }: RequestRecord): string {
  return METHODS.has(method) ? method : 'HTTP';
}

/** `isServed`: whether an alias is known; any other name is a client's words. */
export function requestAttributes(
  record: RequestRecord,
  isServed: (alias: string) => boolean,
): Attributes {
  const { alias, errorCode, clientGone, status } = record;
  return {
    'http.request.method': METHODS.has(record.method) ? record.method : '_OTHER',
    'http.route': record.route,
    'url.scheme': 'http',
    // Of what is not served, the path is a client's words.
    'url.path': record.route === undefined ? undefined : cut(record.path),
    'http.response.status_code': clientGone ? 499 : status,
    'error.type': errorCode ?? (clientGone ? 'client_gone' : undefined),
    'gateway.request.id': record.requestId,
    'gateway.alias': alias !== undefined && isServed(alias) ? alias : undefined,
    'gateway.upstream': record.upstream,
    'gateway.attempts': record.attempts,
    'gateway.stream': record.stream,
    'gateway.turn.id': record.turnId,
    'gen_ai.conversation.id': record.conversationId,
  };
}

export function turnAttributes(turn: FinishedTurn): Attributes {
  return {
    'gateway.turn.id': turn.turnId,
    'gateway.turn.status': turn.status,
    'gateway.alias': turn.alias,
    'gateway.upstream': turn.upstream ?? undefined,
    'gateway.expected_cached_tokens': turn.expectedCachedTokens ?? undefined,
    'gateway.prefix_break': turn.prefixBreak ?? undefined,
    'gen_ai.conversation.id': turn.conversationId,
    'gen_ai.usage.input_tokens': turn.promptTokens ?? undefined,
    'gen_ai.usage.output_tokens': turn.completionTokens ?? undefined,
    'gen_ai.usage.cache_read.input_tokens': turn.cachedTokens ?? undefined,
    'error.type': turn.errorCode ?? undefined,
  };
}

/** Kinds whose service has a name in the conventions; the others are called by their kind. */
const PROVIDERS: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  gemini: 'gcp.gemini',
};

export function callAttributes(call: FinishedCall): Attributes {
  const { target, stream, choices, startedAt, firstChunkAt, usage, finishReasons } = call;
  const { hostname, port, protocol } = new URL(target.baseUrl);
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': PROVIDERS[target.kind] ?? target.kind,
    'gen_ai.request.model': target.model,
    'gen_ai.request.stream': stream,
    'gen_ai.request.choice.count': choices === 1 ? undefined : choices,
    'gen_ai.response.id': cut(call.responseId),
    'gen_ai.response.model': cut(call.responseModel),
    'gen_ai.response.finish_reasons':
      finishReasons.length === 0
        ? undefined
        : Array.from(finishReasons, (reason) => cut(reason) ?? ''),
    'gen_ai.response.time_to_first_chunk':
      stream && firstChunkAt !== null ? { double: (firstChunkAt - startedAt) / 1_000 } : undefined,
    'gen_ai.usage.input_tokens': count(usage?.prompt_tokens),
    'gen_ai.usage.output_tokens': count(usage?.completion_tokens),
    'gen_ai.usage.cache_read.input_tokens': count(usage?.prompt_tokens_details?.cached_tokens),
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'gateway.upstream': target.upstream,
    'error.type': call.error ?? undefined,
  };
}

/** Upstreams may call anything a count. */
function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function cut(text: string | null | undefined): string | undefined {
  return text?.slice(0, MAX_SPAN_TEXT_CHARS);
}
