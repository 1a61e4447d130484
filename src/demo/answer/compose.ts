// Puts an answer together: which skills are asked, in which order, and what becomes of two that know something.
// The order matters: instructions to repeat or to count come first, since their text may look like anything.

import type { ChatMessage } from '../request.ts';
import { type Answer, type Dialogue, joinedValues, type Skill } from './answer.ts';
import { readable } from './reading.ts';
import { calculate } from './arithmetic.ts';
import { knowCapitals } from './capitals.ts';
import { repeatExactly, repeatWord } from './echo.ts';
import { factsIn } from './facts.ts';
import { describeImages } from './images.ts';
import { count, writeWords } from './long-text.ts';
import { acknowledge, quoteEarlier, recallOwn, recallShared } from './recall.ts';
import { admitIgnorance, converse, introduce } from './small-talk.ts';

/** Each answers the whole message by itself. */
const WHOLE: readonly Skill[] = [repeatExactly, count, writeWords];
/** The first that knows answers the question in a message. */
const QUESTION: readonly Skill[] = [
  recallOwn,
  quoteEarlier,
  knowCapitals,
  calculate,
  recallShared,
  introduce,
  repeatWord,
];

const BRIEF =
  /\b(?:one|a single|1)[- ]word\b|\b(?:only|just)\s+(?:with\s+|give\s+|say\s+)?(?:the|a)\s+(?:number|answer|name|result|city|word|value|digits?)\b|\bnothing else\b/i;

/** User messages that are searched for facts. */
const MAX_MESSAGES = 1_000;

export interface Composed {
  readonly answer: Answer;
  /** The answer in the length that was asked for. */
  readonly text: string;
  /** False where the engine only says that it does not know. */
  readonly knows: boolean;
}

export function composeAnswer(messages: readonly ChatMessage[]): Composed {
  const dialogue = dialogueOf(messages);
  const answer = firstOf(WHOLE, dialogue) ?? conversational(dialogue);
  const brief = messages
    .filter(({ role }) => role === 'system' || role === 'developer')
    .some(({ text }) => BRIEF.test(readable(text)));
  const isBrief = brief || BRIEF.test(readable(dialogue.question));
  const said = answer ?? admitIgnorance(dialogue);
  return {
    answer: said,
    text: isBrief ? (said.short ?? said.text) : said.text,
    knows: answer !== undefined,
  };
}

export function dialogueOf(messages: readonly ChatMessage[]): Dialogue {
  const users = messages.filter(({ role }) => role === 'user');
  const last = users.at(-1);
  const earlier = users.slice(0, -1);
  return {
    question: last?.text ?? '',
    earlier: earlier.map(({ text }) => text),
    facts: factsIn(users.slice(-MAX_MESSAGES).map(({ text }) => text)),
    images: last?.images ?? [],
    earlierImages: earlier.findLast(({ images }) => images.length > 0)?.images ?? [],
  };
}

function conversational(dialogue: Dialogue): Answer | undefined {
  const noted = acknowledge(dialogue);
  const seen = describeImages(dialogue);
  const known = firstOf(QUESTION, dialogue);
  // Who states a fact and asks for it in the same breath wants the answer, not both.
  const first = known !== undefined && asksForOwn(dialogue) ? undefined : noted;
  const parts = [first, seen, known].filter((part) => part !== undefined);
  const [only] = parts;
  if (only === undefined) return converse(dialogue);
  if (parts.length === 1) return only;
  const text = parts.map((part) => part.text).join(' ');
  return { text, short: parts.at(-1)?.short ?? text, values: joinedValues(parts) };
}

function asksForOwn(dialogue: Dialogue): boolean {
  return recallOwn(dialogue) !== undefined;
}

function firstOf(skills: readonly Skill[], dialogue: Dialogue): Answer | undefined {
  for (const skill of skills) {
    const answer = skill(dialogue);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
