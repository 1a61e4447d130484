// One GenerateContentResponse, an event of a stream or a whole reply, checked as far as the gateway relies on it.
import { isObject } from '../../json/document.ts';
import { errorInReply, promptBlocked, protocolError } from '../failure.ts';

type Members = Readonly<Record<string, unknown>>;

export interface GeminiCandidate {
  readonly index: number;
  readonly parts: readonly unknown[];
  readonly finishReason: string | null;
  /** logprobsResult, citationMetadata, safetyRatings, finishMessage, … */
  readonly rest: Members;
}

export interface GeminiResponse {
  readonly id: string | null;
  /** The model that answered, with its version. */
  readonly model: string | null;
  readonly candidates: readonly GeminiCandidate[];
  readonly usage: Members | null;
}

/** Parses JSON text; `malformed JSON` is the upstream's fault. */
export function parseJson(json: string, upstream: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw protocolError(upstream, 'sent malformed JSON', cause);
  }
}

/** Throws what the response says that went wrong: an error object, or a prompt that was blocked. */
export function readResponse(value: unknown, upstream: string): GeminiResponse {
  // Errors come in a list now and then.
  const response: unknown = Array.isArray(value) ? value[0] : value;
  if (!isObject(response)) throw protocolError(upstream, 'sent JSON that is not an object');
  const { error, candidates, promptFeedback, usageMetadata, responseId, modelVersion } = response;
  if (error !== undefined && error !== null) throw errorInReply(upstream, error);
  if (candidates !== undefined && !(Array.isArray(candidates) && candidates.every(isObject))) {
    throw protocolError(upstream, 'sent candidates that are not a list of objects');
  }
  const blockReason = isObject(promptFeedback) ? promptFeedback['blockReason'] : undefined;
  if (typeof blockReason === 'string' && !candidates?.length) {
    throw promptBlocked(upstream, blockReason);
  }
  return {
    id: typeof responseId === 'string' && responseId !== '' ? responseId : null,
    model: typeof modelVersion === 'string' && modelVersion !== '' ? modelVersion : null,
    candidates: (candidates ?? []).map((candidate, at) => readCandidate(candidate, at, upstream)),
    usage: isObject(usageMetadata) ? usageMetadata : null,
  };
}

function readCandidate(candidate: Members, at: number, upstream: string): GeminiCandidate {
  // How long the answer is, is in the usage.
  const { content, finishReason, index, tokenCount: _, avgLogprobs: __, ...rest } = candidate;
  const parts = isObject(content) ? (content['parts'] ?? []) : [];
  if (!Array.isArray(parts)) throw protocolError(upstream, 'sent parts that are not a list');
  return {
    index: typeof index === 'number' ? index : at,
    parts,
    finishReason: typeof finishReason === 'string' && finishReason !== '' ? finishReason : null,
    rest,
  };
}
