// Ollama over its native API, `POST /api/chat` and newline-delimited JSON: its OpenAI-compatible one knows neither
// num_ctx nor keep_alive. Success is a line with `done: true` and a reason.
import { MAX_EVENT_CHARS } from '../../domain/limits.ts';
import { interruptedError, protocolError } from '../failure.ts';
import type { ChatEvent, Completion, Provider, Target } from '../provider.ts';
import { readJsonText } from '../read-reply.ts';
import type { UpstreamClient, UpstreamResponse } from '../upstream.ts';
import { readLine, type ReplyLine } from './read-line.ts';
import { createLineSplitter } from './split-lines.ts';
import { ollamaBody } from './translate-request.ts';
import { createReplyTranslation, wholeCompletion } from './translate-reply.ts';

export function createOllamaProvider(client: UpstreamClient): Provider {
  return {
    async ask(target, call, signal) {
      const response = await client.post(
        target,
        {
          path: '/api/chat',
          body: ollamaBody(call, target.ollama ?? {}),
          accept: call.stream ? 'application/x-ndjson' : 'application/json',
          requestId: call.requestId,
          trace: call.trace,
        },
        signal,
      );
      if (call.stream) return { kind: 'stream', events: streamed(response, target.upstream) };
      const completion = await whole(response, target.upstream);
      return { kind: 'json', json: JSON.stringify(completion), completion };
    },
  };
}

/** Whether the operator chose Ollama's OpenAI-compatible API by writing its path. */
export function speaksOpenAi({ kind, baseUrl }: Pick<Target, 'kind' | 'baseUrl'>): boolean {
  return kind === 'ollama' && baseUrl.endsWith('/v1');
}

async function* streamed(
  response: UpstreamResponse,
  upstream: string,
): AsyncGenerator<readonly ChatEvent[], void> {
  const translation = createReplyTranslation();
  for await (const texts of lineBatches(response, upstream)) {
    const batch: ChatEvent[] = [];
    try {
      for (const text of texts) {
        const line = readLine(text, upstream);
        batch.push(...translation.chunks(line));
        if (line.doneReason === null) continue;
        yield batch;
        return;
      }
    } catch (error) {
      response.discard();
      // What came whole before the fault was said, and is passed on before the error.
      if (batch.length > 0) yield batch;
      throw error;
    }
    if (batch.length > 0) yield batch;
  }
  throw interruptedError(upstream);
}

/** The lines that arrive together. A last line without its line end counts if it is whole JSON. */
async function* lineBatches(
  response: UpstreamResponse,
  upstream: string,
): AsyncGenerator<readonly string[], void> {
  const decoder = new TextDecoder();
  const splitter = createLineSplitter(MAX_EVENT_CHARS);
  for await (const bytes of response.chunks()) {
    let lines: string[];
    try {
      lines = splitter.push(decoder.decode(bytes, { stream: true }));
    } catch (cause) {
      response.discard();
      throw protocolError(upstream, 'sent a line beyond the size limit', cause);
    }
    if (lines.length > 0) yield lines;
  }
  const rest = splitter.rest();
  if (isWhole(rest)) yield [rest];
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Cut off: the reply ends before its end.
    return false;
  }
}

async function whole(response: UpstreamResponse, upstream: string): Promise<Completion> {
  const text = await readJsonText(response, upstream);
  const lines: ReplyLine[] = [];
  // One object as a rule; proxies that know of streams alone send the lines of one.
  for (const piece of isWhole(text) ? [text] : text.split('\n')) {
    if (piece.trim() === '') continue;
    const line = readLine(piece, upstream);
    lines.push(line);
    if (line.doneReason !== null) return wholeCompletion(lines);
  }
  throw interruptedError(upstream);
}
