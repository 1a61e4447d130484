// Plain OpenAI chat completions, as vLLM, llama.cpp, LM Studio, SGLang, Ollama's /v1 and OpenRouter speak it too.
// Success means a finish reason for every choice and no error seen; `[DONE]` alone is not success.
import type { GatewayError } from '../domain/errors.ts';
import { type Pieces } from '../domain/pieces.ts';
import { through, type Ending } from '../domain/stages.ts';
import { isObject } from '../json/document.ts';
import { DONE } from '../sse/encode.ts';
import type { SseEvent } from '../sse/split.ts';
import { errorInReply, interruptedError, protocolError } from './failure.ts';
import type { ChatEvent, Completion, Provider } from './provider.ts';
import { readEvents, type Completeness } from './read-events.ts';
import {
  isEventStream,
  readJsonText,
  readReply,
  readyJsonText,
  type WholeReply,
} from './read-reply.ts';
import { requestForKind } from './request-for-kind.ts';
import type { UpstreamClient, UpstreamResponse } from './upstream.ts';

export function createOpenAiProvider(client: UpstreamClient): Provider {
  return {
    async ask(target, call, signal) {
      const { body, bytes, headers } = requestForKind(call, target);
      const response = await client.post(
        target,
        {
          path: '/chat/completions',
          body,
          bytes,
          headers,
          accept: call.stream ? 'text/event-stream' : 'application/json',
          requestId: call.requestId,
          trace: call.trace,
        },
        signal,
      );
      // Nearly always, where no stream was asked for: then nothing more has to be waited for.
      const ready =
        call.stream || isEventStream(response) ? null : readyJsonText(response, target.upstream);
      if (ready !== null) return completionIn(ready, target.upstream);
      return await readReply(
        response,
        { upstream: target.upstream, stream: call.stream },
        {
          stream: () => readStream(response, target.upstream, call.choices ?? 1),
          whole: () => readCompletion(response, target.upstream),
        },
      );
    },
  };
}

function readStream(
  response: UpstreamResponse,
  upstream: string,
  choices: number,
): Pieces<readonly ChatEvent[]> {
  const progress = createProgress(choices);
  let ending: Ending | null = null;
  return through<readonly SseEvent[], readonly ChatEvent[]>(
    readEvents(response, upstream, progress),
    {
      take(events) {
        const batch: ChatEvent[] = [];
        try {
          for (const event of events) {
            if (event.data === DONE) {
              if (!progress.mayBeDone()) throw interruptedError(upstream);
              ending = {};
              break;
            }
            addEvent(batch, event, upstream);
            const added = batch.at(-1);
            if (added?.kind === 'chunk') progress.observe(added.chunk);
          }
        } catch (error) {
          // An engine that goes on after its fault computes for nobody. What came whole before the fault was said,
          // and is passed on before the error.
          response.discard();
          ending = { error };
        }
        return batch.length === 0 ? null : batch;
      },
      ending: () => ending,
      // What comes that way repeats a chunk that was read here, and tells of nothing new.
      shortcut: (sink) => sink.shortcut?.(),
      end() {
        if (!progress.isComplete()) throw interruptedError(upstream);
        return null;
      },
    },
  );
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
  if (choices === undefined) return value;
  if (!Array.isArray(choices) || !choices.every(isObject)) {
    throw protocolError(upstream, 'sent choices that are not a list of objects');
  }
  for (const choice of choices) {
    if (isObject(choice['error'])) throw errorInReply(upstream, choice['error']);
    if (choice['finish_reason'] === 'error')
      throw errorInReply(upstream, 'it ended with finish_reason "error"');
  }
  return value;
}

async function readCompletion(response: UpstreamResponse, upstream: string): Promise<WholeReply> {
  return completionIn(await readJsonText(response, upstream), upstream);
}

function completionIn(json: string, upstream: string): WholeReply & { readonly kind: 'json' } {
  const completion = parseCompletion(json, upstream);
  if (!completion.choices?.length) throw protocolError(upstream, 'sent a reply without choices');
  return { kind: 'json', json, completion };
}

/** Which choices have begun and which have finished. */
interface Progress extends Completeness {
  observe(chunk: Completion): void;
  /** Whether the upstream may say that it is done: some engines give one answer, however many were asked for. */
  mayBeDone(): boolean;
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
