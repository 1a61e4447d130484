// What came back, as the kind of reply that was asked for: a stream, or one JSON text within the size limit.
import { driveInto } from '../domain/pieces.ts';
import { MAX_REPLY_BYTES } from '../domain/limits.ts';
import { completionAsStream } from './completion-as-stream.ts';
import { protocolError } from './failure.ts';
import type { ChatEvent, ChatReply, Completion } from './provider.ts';
import { streamAsCompletion } from './stream-as-completion.ts';
import type { UpstreamResponse } from './upstream.ts';

/** How a dialect reads what came; one of the two is called, once. */
export interface ReplyReader {
  stream(): AsyncGenerator<readonly ChatEvent[], void>;
  whole(): WholeReply | Promise<WholeReply>;
}

export interface WholeReply {
  readonly json: string;
  readonly completion: Completion;
}

/** A whole answer to a streaming request becomes a stream; a stream that nobody asked for is put together. */
export async function readReply(
  response: UpstreamResponse,
  asked: { readonly upstream: string; readonly stream: boolean },
  reader: ReplyReader,
): Promise<ChatReply> {
  const isStream = isEventStream(response);
  if (isStream && asked.stream) return { kind: 'stream', events: reader.stream() };
  if (isStream) {
    const completion = await streamAsCompletion(reader.stream(), asked.upstream);
    return { kind: 'json', json: JSON.stringify(completion), completion };
  }
  const { json, completion } = await reader.whole();
  if (!asked.stream) return { kind: 'json', json, completion };
  return { kind: 'stream', events: completionAsStream(completion) };
}

export function isEventStream({ contentType }: UpstreamResponse): boolean {
  return contentType !== JSON_TYPE && /^text\/event-stream\b/i.test(contentType);
}

/** What nearly all say it is. */
const JSON_TYPE = 'application/json';

/** The text of a reply that should be JSON. */
export async function readJsonText(response: UpstreamResponse, upstream: string): Promise<string> {
  return jsonTextOf(await wholeBody(response, upstream), response, upstream);
}

/** The same, where the whole reply has come already; null where it has not. */
export function readyJsonText(response: UpstreamResponse, upstream: string): string | null {
  const bytes = response.whole();
  return bytes && jsonTextOf(bytes, response, upstream);
}

function jsonTextOf(bytes: Uint8Array, response: UpstreamResponse, upstream: string): string {
  const json = decoder.decode(bytes);
  if (json.trim() === '') throw protocolError(upstream, 'sent an empty reply');
  if (!response.contentType.includes('json') && json.trimStart().startsWith('<')) {
    throw protocolError(upstream, 'sent a page where JSON was asked for');
  }
  return json;
}

function wholeBody(response: UpstreamResponse, upstream: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    let size = 0;
    driveInto(response.chunks(), {
      take(piece) {
        size += piece.length;
        if (size <= MAX_REPLY_BYTES) pieces.push(piece);
        else {
          response.discard();
          reject(protocolError(upstream, 'sent a reply beyond the size limit'));
        }
        return undefined;
      },
      end() {
        const [only] = pieces;
        resolve(pieces.length === 1 && only ? only : Buffer.concat(pieces, size));
      },
      fail: reject,
    });
  });
}

const decoder = new TextDecoder();
