// Plain OpenAI chat completions, as vLLM, llama.cpp, LM Studio, SGLang, Ollama's /v1 and OpenRouter speak it too.
// Success means a finish reason for every choice and no error seen; `[DONE]` alone is not success.
import { GatewayError } from '../domain/errors.ts';
import { MAX_EVENT_CHARS, MAX_REPLY_BYTES } from '../domain/limits.ts';
import { isObject } from '../json/document.ts';
import { createEventSplitter, type SseEvent } from '../sse/split.ts';
import { DONE } from '../sse/encode.ts';
import { errorInReply, interruptedError, protocolError } from './failure.ts';
import { completionAsStream } from './completion-as-stream.ts';
import { streamAsCompletion } from './stream-as-completion.ts';
import type { ChatEvent, Completion, Provider } from './provider.ts';
import { requestForKind } from './request-for-kind.ts';
import type { UpstreamClient, UpstreamResponse } from './upstream.ts';

export function createOpenAiProvider(client: UpstreamClient): Provider {
  return {
    async ask(target, call, signal) {
      const response = await client.post(
        target,
        {
          path: '/chat/completions',
          ...requestForKind(call.body, target),
          accept: call.stream ? 'text/event-stream' : 'application/json',
          requestId: call.requestId,
        },
        signal,
      );
      const isStream = /^text\/event-stream\b/i.test(response.contentType);
      if (isStream) {
        const events = readStream(response, target.upstream, call.choices ?? 1);
        if (call.stream) return { kind: 'stream', events };
        const completion = await streamAsCompletion(events, target.upstream);
        return { kind: 'json', json: JSON.stringify(completion), completion };
      }
      const { json, completion } = await readCompletion(response, target.upstream);
      if (!call.stream) return { kind: 'json', json, completion };
      return { kind: 'stream', events: completionAsStream(completion) };
    },
  };
}

async function* readStream(
  response: UpstreamResponse,
  upstream: string,
  choices: number,
): AsyncGenerator<readonly ChatEvent[], void> {
  const decoder = new TextDecoder();
  const splitter = createEventSplitter(MAX_EVENT_CHARS);
  const progress = createProgress(choices);
  for await (const bytes of chunksUntilCut(response, progress)) {
    const batch: ChatEvent[] = [];
    try {
      for (const event of splitEvents(
        splitter,
        decoder.decode(bytes, { stream: true }),
        upstream,
      )) {
        if (event.data === DONE) {
          if (!progress.mayBeDone()) throw interruptedError(upstream);
          if (batch.length > 0) yield batch;
          return;
        }
        addEvent(batch, event, upstream);
        const added = batch.at(-1);
        if (added?.kind === 'chunk') progress.observe(added.chunk);
      }
    } catch (error) {
      // What came whole before the fault was said, and is passed on before the error.
      if (batch.length > 0) yield batch;
      throw error;
    }
    if (batch.length > 0) yield batch;
  }
  if (!progress.isComplete()) throw interruptedError(upstream);
}

/** The body; a connection that breaks after the last finish reason has cut nothing off. */
async function* chunksUntilCut(
  response: UpstreamResponse,
  progress: Progress,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* response.chunks();
  } catch (error) {
    const isCut = error instanceof GatewayError && error.code === 'upstream_interrupted';
    if (!isCut || !progress.isComplete()) throw error;
  }
}

function splitEvents(
  splitter: ReturnType<typeof createEventSplitter>,
  text: string,
  upstream: string,
): SseEvent[] {
  try {
    return splitter.push(text);
  } catch (cause) {
    throw protocolError(upstream, 'sent an event beyond the size limit', cause);
  }
}

function addEvent(batch: ChatEvent[], event: SseEvent, upstream: string): void {
  for (const text of event.comments) batch.push({ kind: 'comment', text });
  if (event.data === null || event.data === '') return;
  if (event.type === 'error') throw errorEvent(event.data, upstream);
  const chunk = parseCompletion(event.data, upstream);
  // Between tokens, where JSON allows one, a line break is a space; a client would take it for the end of the data.
  batch.push({ kind: 'chunk', json: event.data.replaceAll('\n', ' '), chunk });
}

/** An `event: error`, whose data need not be JSON. */
function errorEvent(data: string, upstream: string): GatewayError {
  try {
    const value: unknown = JSON.parse(data);
    return errorInReply(upstream, isObject(value) ? (value['error'] ?? value) : value);
  } catch {
    return errorInReply(upstream, data);
  }
}

/** Parses a chunk or a whole reply; an error object in it, wherever engines put one, is thrown. */
function parseCompletion(json: string, upstream: string): Completion {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw protocolError(upstream, 'sent malformed JSON', cause);
  }
  if (!isObject(value)) throw protocolError(upstream, 'sent JSON that is not an object');
  const { error, choices } = value;
  if (error !== undefined && error !== null) throw errorInReply(upstream, error);
  if (value['object'] === 'error') throw errorInReply(upstream, value);
  if (choices !== undefined && !(Array.isArray(choices) && choices.every(isObject))) {
    throw protocolError(upstream, 'sent choices that are not a list of objects');
  }
  for (const choice of choices ?? []) {
    if (isObject(choice['error'])) throw errorInReply(upstream, choice['error']);
    if (choice['finish_reason'] === 'error')
      throw errorInReply(upstream, 'it ended with finish_reason "error"');
  }
  return value;
}

async function readCompletion(
  response: UpstreamResponse,
  upstream: string,
): Promise<{ json: string; completion: Completion }> {
  const decoder = new TextDecoder();
  let json = '';
  let size = 0;
  for await (const bytes of response.chunks()) {
    size += bytes.length;
    if (size > MAX_REPLY_BYTES) throw protocolError(upstream, 'sent a reply beyond the size limit');
    json += decoder.decode(bytes, { stream: true });
  }
  if (json.trim() === '') throw protocolError(upstream, 'sent an empty reply');
  if (!response.contentType.includes('json') && json.trimStart().startsWith('<')) {
    throw protocolError(upstream, 'sent a page where JSON was asked for');
  }
  const completion = parseCompletion(json, upstream);
  if (!completion.choices?.length) throw protocolError(upstream, 'sent a reply without choices');
  return { json, completion };
}

/** Which choices have begun and which have finished. */
interface Progress {
  observe(chunk: Completion): void;
  /** Whether the upstream may say that it is done: some engines give one answer, however many were asked for. */
  mayBeDone(): boolean;
  /** Whether nothing is missing even if the upstream says no more. */
  isComplete(): boolean;
}

function createProgress(choices: number): Progress {
  const open = new Set<number>();
  const finished = new Set<number>();
  return {
    observe(chunk) {
      for (const { index = 0, finish_reason } of chunk.choices ?? []) {
        if (finish_reason) {
          open.delete(index);
          finished.add(index);
        } else if (!finished.has(index)) {
          open.add(index);
        }
      }
    },
    mayBeDone: () => open.size === 0 && finished.size > 0,
    isComplete: () => open.size === 0 && finished.size >= choices,
  };
}
