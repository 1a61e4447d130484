// Anthropic's Messages API as an upstream: OpenAI's request goes out as theirs, and what comes back is OpenAI's again.
// Success means a reason to stop and no error seen.
import type { Clock } from '../../domain/clock.ts';
import { isObject } from '../../json/document.ts';
import { parseExact } from '../../json/exact.ts';
import type { SseEvent } from '../../sse/split.ts';
import { interruptedError, protocolError } from '../failure.ts';
import { requiredHeaders } from '../required-headers.ts';
import type { ChatEvent, Completion, Provider, Target } from '../provider.ts';
import { readEvents } from '../read-events.ts';
import { readJsonText, readReply } from '../read-reply.ts';
import type { UpstreamClient, UpstreamResponse } from '../upstream.ts';
import { errorInMessage } from './failure.ts';
import { completionOf } from './reply.ts';
import { messagesRequest } from './request.ts';
import { createMessageStream, type MessageStream, type StreamedFor } from './stream.ts';

export function createAnthropicProvider(
  client: UpstreamClient,
  clock: Pick<Clock, 'now'>,
): Provider {
  return {
    async ask(target, call, signal) {
      const response = await client.post(
        target,
        {
          path: '/messages',
          body: messagesRequest(call),
          accept: call.stream ? 'text/event-stream' : 'application/json',
          requestId: call.requestId,
          trace: call.trace,
          headers: requiredHeaders(target.kind),
        },
        signal,
      );
      const { upstream, model }: Target = target;
      const asked = { upstream, model, created: Math.floor(clock.now() / 1_000) };
      return await readReply(
        response,
        { upstream, stream: call.stream },
        {
          stream: () => readStream(response, asked),
          whole: () => readMessage(response, asked),
        },
      );
    },
  };
}

async function* readStream(
  response: UpstreamResponse,
  asked: StreamedFor,
): AsyncGenerator<readonly ChatEvent[], void> {
  const message = createMessageStream(asked);
  for await (const events of readEvents(response, asked.upstream, message)) {
    const batch: ChatEvent[] = [];
    try {
      for (const event of events) {
        if (!message.isOver()) addEvent(batch, event, { message, upstream: asked.upstream });
      }
    } catch (error) {
      response.discard();
      // What came whole before the fault was said, and is passed on before the error.
      if (batch.length > 0) yield batch;
      throw error;
    }
    if (batch.length > 0) yield batch;
    if (message.isOver()) break;
  }
  if (!message.isComplete()) throw interruptedError(asked.upstream);
  yield [chunkEvent(message.usage())];
}

function addEvent(
  batch: ChatEvent[],
  event: SseEvent,
  { message, upstream }: { message: MessageStream; upstream: string },
): void {
  for (const text of event.comments) batch.push({ kind: 'comment', text });
  if (event.data === null || event.data === '') return;
  const value = parse(event, upstream);
  if (!isObject(value)) throw protocolError(upstream, 'sent an event that is not an object');
  if (value['type'] === 'ping') batch.push({ kind: 'comment', text: ' ping' });
  for (const chunk of message.take(value)) batch.push(chunkEvent(chunk));
}

function parse({ data, type }: SseEvent, upstream: string): unknown {
  try {
    return JSON.parse(data ?? '');
  } catch (cause) {
    // What stands before Anthropic may fail in words of its own.
    if (type === 'error') throw errorInMessage(upstream, data);
    throw protocolError(upstream, 'sent malformed JSON', cause);
  }
}

function chunkEvent(chunk: Completion): ChatEvent {
  return { kind: 'chunk', json: JSON.stringify(chunk), chunk };
}

async function readMessage(
  response: UpstreamResponse,
  asked: StreamedFor,
): Promise<{ json: string; completion: Completion }> {
  const text = await readJsonText(response, asked.upstream);
  let message: unknown;
  try {
    message = parseExact(text);
  } catch (cause) {
    throw protocolError(asked.upstream, 'sent malformed JSON', cause);
  }
  const completion = completionOf(message, asked);
  return { json: JSON.stringify(completion), completion };
}
