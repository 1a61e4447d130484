// The skills that go on for a while, which is what testing a stream needs: counting, and running text of a given
// length.

import type { Answer, Dialogue } from './answer.ts';
import { readable } from './reading.ts';

const MAX_COUNT = 10_000;
const MAX_WORDS = 10_000;
const DEFAULT_WORDS = 100;
const SENTENCE_WORDS = 12;

const COUNT =
  /\bcount(?:ing)?\b(?: (?:up|down|slowly|aloud|out loud))*\s*(?:from\s+(?<from>-?\d{1,9}))?(?:\s+(?:up|down))?\s*(?:to|until|till|through)\s+(?<to>-?\d{1,9})/i;
const WORDS = /\b(?<count>\d{1,3}(?:,\d{3})+|\d{1,9})[ -]words?\b/i;
const MAKES_TEXT =
  /\b(?:write|generate|produce|give|output|create|compose|lorem|essay|story|text)\b/i;

const LOREM = (
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore ' +
  'magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat ' +
  'duis aute irure in reprehenderit voluptate velit esse cillum fugiat nulla pariatur'
).split(' ');

export function count({ question }: Dialogue): Answer | undefined {
  const asked = COUNT.exec(readable(question))?.groups;
  if (asked?.['to'] === undefined) return undefined;
  const to = Number(asked['to']);
  const from = Number(asked['from'] ?? (to < 1 ? 0 : 1));
  const step = to < from ? -1 : 1;
  const length = Math.abs(to - from) + 1;
  const numbers = Array.from(
    { length: Math.min(length, MAX_COUNT) },
    (_, index) => from + index * step,
  );
  const text = numbers.join(', ');
  if (length > MAX_COUNT) return { text: `${text}, and so on: I stop after ${MAX_COUNT} numbers.` };
  return { text: `${text}.`, values: { numbers, answer: text } };
}

export function writeWords({ question }: Dialogue): Answer | undefined {
  const text = readable(question);
  const asked = WORDS.exec(text)?.groups?.['count'];
  const lorem = /\blorem\b/i.test(text);
  if (!lorem && (asked === undefined || !MAKES_TEXT.test(text))) return undefined;
  const wanted = asked === undefined ? DEFAULT_WORDS : Number(asked.replaceAll(',', ''));
  // "Answer in 1 word" and the like ask for brevity, not for text.
  return wanted < 2 ? undefined : { text: runningText(Math.min(wanted, MAX_WORDS)) };
}

function runningText(words: number): string {
  const sentences: string[] = [];
  for (let at = 0; at < words; at += SENTENCE_WORDS) {
    const picked = Array.from(
      { length: Math.min(SENTENCE_WORDS, words - at) },
      (_, index) => LOREM[(at + index) % LOREM.length] ?? '',
    );
    const sentence = picked.join(' ');
    sentences.push(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`);
  }
  return sentences.join(' ');
}
