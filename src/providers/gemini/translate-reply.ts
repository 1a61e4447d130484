// Gemini's responses as chunks of a chat.completion, or as the whole of one.
import { isObject } from '../../json/document.ts';
import { errorInReply } from '../failure.ts';
import { withMore } from '../merge-delta.ts';
import type { ChunkChoice, Completion } from '../provider.ts';
import { wholeChoice } from '../whole-choice.ts';
import { createCandidate, type Candidate } from './candidate.ts';
import { finishReason } from './finish-reason.ts';
import { logprobsOf } from './logprobs.ts';
import type { GeminiCandidate, GeminiResponse } from './read-response.ts';
import { usageOf } from './usage.ts';

export interface Asked {
  readonly upstream: string;
  readonly model: string;
  readonly requestId: string;
  /** How many answers were asked for. */
  readonly choices: number;
  /** Unix seconds: Gemini does not say when it answered. */
  readonly created: number;
}

export interface ReplyTranslation {
  /** What a response adds; null when that is nothing that a client is shown. */
  chunk(response: GeminiResponse): Completion | null;
  /** A chunk with the token counts, which hold for the answer so far; null where none have come. */
  usage(): Completion | null;
  /** Whether every candidate has its finish reason. */
  isComplete(): boolean;
}

interface Choice {
  readonly candidate: Candidate;
  begun: boolean;
  finished: boolean;
}

export function createReplyTranslation(asked: Asked): ReplyTranslation {
  const choices = new Map<number, Choice>();
  let head: { id: string; model: string } | null = null;
  let usage: GeminiResponse['usage'] = null;

  function chunkOf(members: Pick<Completion, 'choices' | 'usage'>): Completion {
    const { id, model } = head ?? headOf(null, asked);
    return { id, object: 'chat.completion.chunk', created: asked.created, model, ...members };
  }

  function choiceAt(index: number, answer: string): Choice {
    const known = choices.get(index);
    if (known) return known;
    const callIds = (call: number) => madeCallId(answer, index, call);
    const choice = { candidate: createCandidate(callIds), begun: false, finished: false };
    choices.set(index, choice);
    return choice;
  }

  function choiceOf(candidate: GeminiCandidate, answer: string): ChunkChoice[] {
    const { index, finishReason: native, parts, rest } = candidate;
    const choice = choiceAt(index, answer);
    const addition = choice.candidate.read(parts);
    const reason = native === null ? null : knownReason(native, choice.candidate, { rest, asked });
    const isNews = Object.keys(addition).length > 0 || reason !== null || !choice.begun;
    if (!isNews) return [];
    const role = choice.begun ? {} : { role: 'assistant', content: '' };
    choice.begun = true;
    choice.finished ||= reason !== null;
    const delta = { ...role, ...addition };
    return [{ index, delta, ...aside(rest), ...ending(native, reason) }];
  }

  return {
    chunk(response) {
      head ??= headOf(response, asked);
      usage = response.usage ?? usage;
      const { id } = head;
      const told = response.candidates.flatMap((candidate) => choiceOf(candidate, id));
      return told.length === 0 ? null : chunkOf({ choices: told });
    },
    usage: () => (usage === null ? null : chunkOf({ choices: [], usage: usageOf(usage) })),
    isComplete() {
      const all = [...choices.values()];
      return all.length >= asked.choices && all.every(({ finished }) => finished);
    },
  };
}

/** The chunks of an answer as one chat.completion. */
export function wholeCompletion(chunks: readonly Completion[]): Completion {
  const merged = new Map<number, { message: Readonly<Record<string, unknown>>; rest: object }>();
  for (const { choices = [] } of chunks) {
    for (const { index = 0, delta, ...rest } of choices) {
      const before = merged.get(index) ?? { message: {}, rest: {} };
      const message = withMore(before.message, delta ?? {});
      merged.set(index, { message, rest: { ...before.rest, ...rest } });
    }
  }
  const usage = chunks.findLast((chunk) => chunk.usage)?.usage;
  return {
    ...chunks[0],
    object: 'chat.completion',
    choices: [...merged].map(([index, { message, rest }]) =>
      wholeChoice({ index, message: wholeMessage(message), ...rest }),
    ),
    ...(usage ? { usage } : {}),
  };
}

/** Only in a stream do tool calls have an index. */
function wholeMessage(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls)) return { ...message };
  const unnumbered = calls.filter(isObject).map((call) => {
    const { index: _, ...rest } = call;
    return rest;
  });
  return { ...message, content: message['content'] || null, tool_calls: unnumbered };
}

/** The same for all chunks of a stream: what the first response says. */
function headOf(
  response: Pick<GeminiResponse, 'id' | 'model'> | null,
  { model, requestId }: Asked,
): { id: string; model: string } {
  return { id: response?.id ?? `chatcmpl-${requestId}`, model: response?.model ?? model };
}

/** Clients match results to calls by id. It is made of the answer's own id, so that no two answers share one. */
function madeCallId(answer: string, choice: number, call: number): string {
  const digest = new Bun.CryptoHasher('sha256').update(answer).digest('hex').slice(0, 24);
  return `call_${digest}_${choice}_${call}`;
}

function knownReason(
  native: string,
  candidate: Candidate,
  { rest, asked }: { rest: GeminiCandidate['rest']; asked: Asked },
): string {
  const reason = finishReason(native, candidate.hasCalls());
  if (reason !== null) return reason;
  const { finishMessage } = rest;
  const why = typeof finishMessage === 'string' ? `: ${finishMessage}` : '';
  throw errorInReply(asked.upstream, `it ended with finishReason ${native}${why}`);
}

/** What else a candidate says, as members of the choice. */
function aside({ logprobsResult, ...rest }: GeminiCandidate['rest']): object {
  const logprobs = logprobsOf(logprobsResult);
  return {
    ...(logprobs === null ? {} : { logprobs }),
    ...(Object.keys(rest).length === 0 ? {} : { extra_content: { google: rest } }),
  };
}

function ending(native: string | null, reason: string | null): object {
  return native === null
    ? { finish_reason: null }
    : { finish_reason: reason, native_finish_reason: native };
}
