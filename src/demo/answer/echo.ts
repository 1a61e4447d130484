// The skill that repeats: "Repeat after me: X", "Say X", "Reply with exactly: X" give X, to the character.
// Whoever tests a pipeline needs one answer whose every byte is known beforehand.

import type { Answer, Dialogue } from './answer.ts';
import { readable } from './reading.ts';

const REPEAT =
  /^\s*(?:please\s+)?(?:repeat|echo|print|output)(?:\s+(?:exactly|verbatim|after me|this|the following|back))*\s*:\s*(?<text>.+)$/is;
const ECHO = /^\s*(?:please\s+)?(?:repeat after me|echo)[\s,]+(?<text>.+)$/is;
const SAY =
  /^\s*(?:please\s+|can you\s+|just\s+)*say(?:\s+(?:exactly|only|just|the words?))*\s*:?\s+(?<text>.+)$/is;
const REPLY =
  /^\s*(?:please\s+)?(?:reply|respond|answer)\s+(?:(?:only|just|exactly)\s+with|with)(?:\s+(?:exactly|only|just|the|single|words?|text|phrase|string|following|this))*\s*:?\s+(?<text>.+)$/is;
const STRICT = /\b(?:exactly|only|just|the (?:single )?(?:words?|text|phrase|string|following))\b/i;
/** "With only the number: 6 * 7" says what kind of answer is wanted, not which. */
const KIND_OF_ANSWER =
  /^(?:(?:an?|the|one|single)\s+)*(?:number|answer|name|result|city|value|digits?|json|words?|sentence)\b/i;
const ONE_WORD =
  /^\s*(?:please\s+)?(?:reply|respond|answer)\s+(?:with|in)\s+(?:exactly\s+|only\s+|just\s+)?(?:one|a single)\s+word\s*:\s*["'“]?(?<word>[\p{L}\p{N}-]{1,64})["'”]?[.!]?\s*$/iu;
const NOTHING_ELSE = /[,.]?\s(?:and )?nothing else\.?$/i;
const LONGEST_ENDING = 24;

export function repeatExactly({ question }: Dialogue): Answer | undefined {
  const found =
    REPEAT.exec(question) ?? ECHO.exec(question) ?? replyingWith(question) ?? sayingIn(question);
  return echo(found?.groups?.['text']);
}

/** "Reply with one word: ready", unless somebody knows the word as a question. */
export function repeatWord({ question }: Dialogue): Answer | undefined {
  return echo(ONE_WORD.exec(readable(question))?.groups?.['word']);
}

function echo(given: string | undefined): Answer | undefined {
  const text = unquote((given ?? '').trim());
  return text === '' ? undefined : { text, short: text, values: { answer: text } };
}

function replyingWith(question: string): RegExpExecArray | null {
  const found = REPLY.exec(question);
  const text = found?.groups?.['text'] ?? '';
  const instruction = question.slice(0, question.length - text.length);
  return STRICT.test(readable(instruction)) && !KIND_OF_ANSWER.test(text) ? found : null;
}

function sayingIn(question: string): RegExpExecArray | null {
  const found = SAY.exec(question);
  // "Say something nice", "Say that again" ask for words of the engine's own.
  return /^(?:something|anything|that|it|what|why|how|more)\b/i.test(found?.groups?.['text'] ?? '')
    ? null
    : found;
}

function unquote(text: string): string {
  const ending = NOTHING_ELSE.exec(text.slice(-LONGEST_ENDING))?.[0] ?? '';
  const bare = text.slice(0, text.length - ending.length);
  return /^(?:"[^"]*"|'[^']*'|“[^”]*”|`[^`]*`)$/.test(bare) ? bare.slice(1, -1) : bare;
}
