// What the engine replies to a request: tool calls, tool results in words, JSON, an image, or plain text.
// The one place that knows which of them goes before which.

import { composeAnswer, dialogueOf } from './answer/compose.ts';
import { reportResults } from './answer/tool-results.ts';
import type { Reply } from './generate.ts';
import { answerAsJson } from './json-mode.ts';
import { PATTERN_PIXELS, patternDataUri } from './png.ts';
import type { ChatRequest } from './request.ts';
import { callTools } from './tools/calls.ts';

export function composeReply(request: ChatRequest): Reply {
  const { messages, format } = request;
  const dialogue = dialogueOf(messages);
  const results = reportResults(messages);
  const calls = results === undefined ? callTools(request, dialogue) : [];
  if (calls.length > 0) return { text: '', images: [], calls };
  const composed =
    results === undefined
      ? composeAnswer(messages)
      : { answer: results, text: results.text, knows: true };
  if (request.wantsImage) return drawn(dialogue.question, composed);
  if (format.type === 'text') return { text: composed.text, images: [], calls };
  const json = answerAsJson(format, { answer: composed.answer, question: dialogue.question });
  return { text: json, images: [], calls };
}

function drawn(prompt: string, composed: { text: string; knows: boolean }): Reply {
  const size = `${PATTERN_PIXELS} x ${PATTERN_PIXELS}`;
  const text = composed.knows
    ? composed.text
    : `Here is a ${size} pixel pattern in place of your image: I am the gateway's demo engine and cannot paint.`;
  return { text, images: [patternDataUri(prompt)], calls: [] };
}
