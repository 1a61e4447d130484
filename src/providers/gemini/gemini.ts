// Gemini over its native API, generateContent and streamGenerateContent. A stream has no last event: success is a
// finish reason for every candidate, and then the end.
import type { Clock } from '../../domain/clock.ts';
import { interruptedError, protocolError } from '../failure.ts';
import type { ChatCall, ChatEvent, Completion, Provider, Target } from '../provider.ts';
import { readEvents } from '../read-events.ts';
import { readJsonText, readReply } from '../read-reply.ts';
import type { SseEvent } from '../../sse/split.ts';
import type { UpstreamClient, UpstreamResponse } from '../upstream.ts';
import { methodPath } from './model-facts.ts';
import { parseJson, readResponse } from './read-response.ts';
import { geminiBody } from './request.ts';
import {
  createReplyTranslation,
  wholeCompletion,
  type Asked,
  type ReplyTranslation,
} from './translate-reply.ts';

export function createGeminiProvider(client: UpstreamClient, clock: Pick<Clock, 'now'>): Provider {
  return {
    async ask(target, call, signal) {
      const response = await client.post(
        target,
        {
          path: methodPath(target.model, call.stream),
          body: geminiBody(String(call.body), target.model),
          accept: call.stream ? 'text/event-stream' : 'application/json',
          requestId: call.requestId,
          trace: call.trace,
        },
        signal,
      );
      const asked = askedOf(target, call, clock);
      return await readReply(
        response,
        { upstream: target.upstream, stream: call.stream },
        {
          stream: () => streamed(response, asked),
          whole: () => whole(response, asked),
        },
      );
    },
  };
}

function askedOf(target: Target, call: ChatCall, clock: Pick<Clock, 'now'>): Asked {
  return {
    upstream: target.upstream,
    model: target.model,
    requestId: call.requestId,
    choices: call.choices ?? 1,
    created: Math.floor(clock.now() / 1000),
  };
}

async function* streamed(
  response: UpstreamResponse,
  asked: Asked,
): AsyncGenerator<readonly ChatEvent[], void> {
  const translation = createReplyTranslation(asked);
  for await (const events of readEvents(response, asked.upstream, translation)) {
    const batch: ChatEvent[] = [];
    try {
      for (const event of events) addEvent(batch, event, { translation, asked });
    } catch (error) {
      response.discard();
      // What came whole before the fault was said, and is passed on before the error.
      if (batch.length > 0) yield batch;
      throw error;
    }
    if (batch.length > 0) yield batch;
  }
  if (!translation.isComplete()) throw interruptedError(asked.upstream);
  const usage = translation.usage();
  if (usage !== null) yield [chunkEvent(usage)];
}

function addEvent(
  batch: ChatEvent[],
  event: SseEvent,
  { translation, asked }: { translation: ReplyTranslation; asked: Asked },
): void {
  for (const text of event.comments) batch.push({ kind: 'comment', text });
  if (event.data === null || event.data === '') return;
  const value = parseJson(event.data, asked.upstream);
  const chunk = translation.chunk(readResponse(value, asked.upstream));
  if (chunk !== null) batch.push(chunkEvent(chunk));
}

function chunkEvent(chunk: Completion): ChatEvent {
  return { kind: 'chunk', json: JSON.stringify(chunk), chunk };
}

async function whole(
  response: UpstreamResponse,
  asked: Asked,
): Promise<{ json: string; completion: Completion }> {
  const value = parseJson(await readJsonText(response, asked.upstream), asked.upstream);
  const translation = createReplyTranslation(asked);
  // A stream that was not asked for as events comes as a list of its responses.
  const responses: unknown[] = Array.isArray(value) ? value : [value];
  const chunks = responses.map((one) => translation.chunk(readResponse(one, asked.upstream)));
  if (chunks.every((chunk) => chunk === null)) {
    throw protocolError(asked.upstream, 'sent a reply without candidates');
  }
  if (!translation.isComplete()) throw interruptedError(asked.upstream);
  const told = [...chunks, translation.usage()].filter((chunk) => chunk !== null);
  const completion = wholeCompletion(told);
  return { json: JSON.stringify(completion), completion };
}
