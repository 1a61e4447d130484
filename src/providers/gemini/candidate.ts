// One candidate's parts, as they come, as the members of OpenAI's delta or message. It remembers how long the text is
// by now, so that signatures and images can say where they stand in it.
import { isObject } from '../../json/document.ts';
import { extraContent, spanDetail, thoughtDetail } from './signatures.ts';
import type { Part } from './wire.ts';

/** What a few parts add to an answer; members that they add nothing to are absent. */
export interface Addition {
  content?: string;
  reasoning_content?: string;
  tool_calls?: object[];
  images?: object[];
  reasoning_details?: object[];
  extra_content?: object;
}

export interface Candidate {
  read(parts: readonly unknown[]): Addition;
  hasCalls(): boolean;
}

/** `callIds` makes ids for calls that come without, by their number. */
export function createCandidate(callIds: (call: number) => string): Candidate {
  let textLength = 0;
  let calls = 0;
  let details = 0;
  let images = 0;

  function readThought(text: string, signature: string | undefined, to: Addition): void {
    if (text !== '') to.reasoning_content = (to.reasoning_content ?? '') + text;
    if (signature !== undefined)
      add(to, 'reasoning_details', thoughtDetail(text, signature, details++));
  }

  function readText(text: string, signature: string | undefined, to: Addition): void {
    const start = textLength;
    textLength += text.length;
    if (text !== '') to.content = (to.content ?? '') + text;
    if (signature === undefined) return;
    add(
      to,
      'reasoning_details',
      spanDetail({ start, end: textLength, images, signature }, details++),
    );
  }

  function readCall(call: Part, signature: string | undefined, to: Addition): void {
    const { id, name, args } = call;
    add(to, 'tool_calls', {
      index: calls,
      id: typeof id === 'string' && id !== '' ? id : callIds(calls),
      type: 'function',
      function: {
        name: typeof name === 'string' ? name : '',
        arguments: JSON.stringify(args ?? {}),
      },
      ...extraContent(signature === undefined ? {} : { thought_signature: signature }),
    });
    calls++;
  }

  function readImage(url: string, signature: string | undefined, to: Addition): void {
    add(to, 'images', {
      type: 'image_url',
      image_url: { url },
      index: images++,
      ...extraContent({
        text_offset: textLength,
        ...(signature === undefined ? {} : { thought_signature: signature }),
      }),
    });
  }

  function readPart(part: Part, to: Addition): void {
    const { text, thought, functionCall, inlineData, thoughtSignature } = part;
    const signature =
      typeof thoughtSignature === 'string' && thoughtSignature !== ''
        ? thoughtSignature
        : undefined;
    const url = imageUrl(inlineData);
    if (thought === true) {
      // Sketches are thoughts too, and no images of the answer.
      readThought(typeof text === 'string' ? text : '', signature, to);
    } else if (isObject(functionCall)) readCall(functionCall, signature, to);
    else if (url !== null) readImage(url, signature, to);
    else if (typeof text === 'string' || signature !== undefined) {
      readText(typeof text === 'string' ? text : '', signature, to);
    } else if (Object.keys(part).length > 0) {
      // Nobody asked for it, and OpenAI's form has no place for it: it passes as it is.
      to.extra_content = { google: { part } };
    }
  }

  return {
    read(parts) {
      const addition: Addition = {};
      for (const part of parts) if (isObject(part)) readPart(part, addition);
      return addition;
    },
    hasCalls: () => calls > 0,
  };
}

function add(
  to: Addition,
  member: 'tool_calls' | 'images' | 'reasoning_details',
  entry: object,
): void {
  to[member] = [...(to[member] ?? []), entry];
}

function imageUrl(blob: unknown): string | null {
  if (!isObject(blob)) return null;
  const { mimeType, data } = blob;
  if (typeof mimeType !== 'string' || typeof data !== 'string') return null;
  return mimeType.startsWith('image/') ? `data:${mimeType};base64,${data}` : null;
}
