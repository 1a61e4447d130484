// The chat template: messages to the tokens of one prompt. Whatever a later turn repeats comes out as the same
// tokens, and what was generated comes back as exactly the tokens that were generated: both are what makes a
// conversation's next prompt an extension of this one.

import type { ChatMessage, ChatRequest } from './request.ts';
import { tokenize } from './tokens.ts';

const CALL_MARK = '<|call|>';
const END = ['<|end|>', '\n'];

/** What follows an answer once it is part of the history. */
export const ANSWER_END: readonly string[] = END;

export function renderPrompt(request: ChatRequest): string[] {
  const prompt: string[] = [];
  if (request.toolsJson !== '') append(prompt, section('tools', request.toolsJson));
  if (request.format.type !== 'text') {
    append(prompt, section('format', JSON.stringify(request.format)));
  }
  for (const message of request.messages) append(prompt, renderMessage(message));
  append(prompt, ['<|assistant|>', '\n']);
  return prompt;
}

/** A call as the history shows it, up to its arguments. */
export function callHead(name: string): string[] {
  return [CALL_MARK, ...tokenize(name), '\n'];
}

/** An image as one token that stands for its bytes. */
export function imageToken(url: string): string {
  return `<|image:${Bun.hash.xxHash64(url).toString(16)}|>`;
}

function renderMessage(message: ChatMessage): string[] {
  const calls = message.calls.flatMap((call) => [
    ...callHead(call.name),
    ...tokenize(call.arguments),
  ]);
  const content = [...tokenize(message.text), ...message.images.map(imageToken), ...calls];
  return [`<|${message.role}|>`, '\n', ...content, ...END];
}

function section(name: string, text: string): string[] {
  return [`<|${name}|>`, '\n', ...tokenize(text), ...END];
}

// `push(...tokens)` overflows the stack on a long message.
function append(prompt: string[], tokens: readonly string[]): void {
  for (const token of tokens) prompt.push(token);
}
