// The skills that recall: answers questions about stated facts, quotes what was said earlier, and acknowledges what
// a message states.

import { type Answer, type Dialogue, joinedValues } from './answer.ts';
import { asSentence, enumerate, excerpt, readable } from './reading.ts';
import { type Fact, factKey, factsIn, HABITS } from './facts.ts';

const TAIL = String.raw`(?=\s*(?:[,?.!:;"]|$)|\s+(?:again|please|called|named|in one word|right now|then)\b|\s+and\s+(?:what|where|who|when|how|my)\b|\s+is\b)`;
const SUBJECT = String.raw`(?<subject>[\p{L}\p{N}][\p{L}\p{N}'’ -]{0,60}?)`;
const ASKED_OWN = new RegExp(
  String.raw`\b(?:(?:what|who|which|when|where|how old)(?:['’]?s|\s+is|\s+are|\s+was|\s+were)|what|(?:do|can|could) you (?:still )?(?:know|remember|recall)|tell me|remind me of)\s+my\s+${SUBJECT}${TAIL}`,
  'giu',
);
const ASKED_SHARED = new RegExp(
  String.raw`\b(?:what|who|which|when|where)(?:['’]?s|\s+is|\s+are|\s+was|\s+were)\s+the\s+${SUBJECT}${TAIL}`,
  'iu',
);
const ASKED_TOLD =
  /\b(?:what|which)\s+(?<subject>[\p{L} ]{2,40}?)\s+did I (?:tell|ask|give|say|mention|want)/iu;
const ASKED_ALL =
  /\bwhat (?:do you (?:know|remember) about me|(?:did|have) I (?:ask|asked|tell|told) you to remember|should you remember)\b/i;

/** Answers what the user asks about themselves, known or not. */
export function recallOwn({ question: asked, facts }: Dialogue): Answer | undefined {
  const question = readable(asked);
  if (ASKED_ALL.test(question)) return everythingKnown([...facts.values()]);
  const personal = HABITS.filter(({ asked }) => asked.test(question)).map(({ key, missing }) =>
    sayFact(facts.get(key), missing, undefined),
  );
  const owned = [...questionsAbout(question)].map((subject) => sayOwned(facts, subject));
  return together([...owned, ...personal]);
}

/** Answers with what the user said about something that is not theirs, if they did. */
export function recallShared({ question: asked, facts }: Dialogue): Answer | undefined {
  const question = readable(asked);
  const subject = (ASKED_SHARED.exec(question) ?? ASKED_TOLD.exec(question))?.groups?.['subject'];
  if (subject === undefined) return undefined;
  const fact = lookUp(facts, 'the', subject) ?? lookUp(facts, 'your', subject);
  return fact === undefined ? undefined : sayFact(fact, subject, undefined);
}

/** Quotes an earlier message. */
export function quoteEarlier({ question, earlier }: Dialogue): Answer | undefined {
  const asked =
    /\bwhat (?:did I|was my|were my|have I)\b[^?]*?\b(?<which>first|earlier|before|previous|previously|last|just|so far)\b|\bwhat did I (?<said>say|ask|tell you|write)\b/i.exec(
      readable(question),
    );
  if (asked === null) return undefined;
  const first = /first/i.test(asked.groups?.['which'] ?? '');
  const message = first ? (earlier[0] ?? question) : earlier.at(-1);
  if (message === undefined) return { text: 'You have not said anything before this.' };
  const quoted = excerpt(message);
  const text = `${first ? 'Your first message was' : 'Just before this you said'}: "${quoted}"`;
  return { text, values: { answer: quoted } };
}

/** "Noted: …" for what the last message states. */
export function acknowledge({ question }: Dialogue): Answer | undefined {
  const asksToKeep = /\b(?:remember|memori[sz]e|note)\b/i.test(readable(question));
  const kept = [...factsIn([question]).values()].filter(
    ({ key }) =>
      !key.startsWith('the ') || asksToKeep || /\b(?:secret|password|code|pin|key)\b/.test(key),
  );
  if (kept.length === 0) return undefined;
  const values = Object.fromEntries(kept.map(({ subject, value }) => [factKey(subject), value]));
  return {
    text: asSentence(`Noted: ${enumerate(kept.map(({ said }) => said))}`),
    short: 'Noted.',
    values: { ...values, answer: kept.map(({ value }) => value).join(', ') },
  };
}

/** The user's name, for a greeting. */
export function nameOf({ facts }: Dialogue): string | undefined {
  return facts.get('your name')?.value;
}

function* questionsAbout(question: string): Generator<string> {
  for (const found of question.matchAll(ASKED_OWN)) {
    const subject = found.groups?.['subject'];
    const called = /^\s+(?:called|named)\b/i.test(question.slice(found.index + found[0].length));
    const old = /^how old/i.test(found[0]);
    if (subject !== undefined) yield `${subject}${called ? "'s name" : ''}${old ? "'s age" : ''}`;
  }
  if (/\bwho am I\b/i.test(question)) yield 'name';
  if (/\bhow old am I\b/i.test(question)) yield 'age';
  const nameOfMine = /\bname of my (?<subject>[\p{L} ]{1,40}?)\s*(?:[?.!,]|$)/iu.exec(question);
  if (nameOfMine?.groups?.['subject'] !== undefined) yield `${nameOfMine.groups['subject']}'s name`;
}

function sayOwned(facts: ReadonlyMap<string, Fact>, subject: string): Answer {
  return sayFact(lookUp(facts, 'your', subject), `your ${subject}`, subject);
}

/** The fact of that name; else the only one whose name ends so ("colour" for "favourite colour"). */
function lookUp(
  facts: ReadonlyMap<string, Fact>,
  whose: 'your' | 'the',
  subject: string,
): Fact | undefined {
  const key = factKey(subject);
  const exact = facts.get(`${whose} ${key}`);
  if (exact !== undefined) return exact;
  const similar = [...facts.values()].filter(
    (fact) => fact.key.startsWith(`${whose} `) && fact.key.endsWith(` ${key}`),
  );
  return similar.length === 1 ? similar[0] : undefined;
}

/** The fact in the words of the question where it has some: whoever asks for a "color" is told their color. */
function sayFact(fact: Fact | undefined, missing: string, subject: string | undefined): Answer {
  if (fact === undefined) {
    return {
      text: `I don't know ${missing} yet: you have not told me in this conversation.`,
      short: 'Unknown.',
      values: { answer: null },
    };
  }
  const { key, said, verb, value } = fact;
  const reworded =
    subject !== undefined && key === `your ${factKey(subject)}` && !said.startsWith('you ');
  return {
    text: asSentence(reworded ? `your ${subject} ${verb} ${value}` : said),
    short: asSentence(value),
    values: { [factKey(fact.subject)]: value, value, answer: value },
  };
}

function everythingKnown(facts: readonly Fact[]): Answer {
  if (facts.length === 0) return { text: 'You have not told me anything about yourself yet.' };
  return {
    text: asSentence(`You told me that ${enumerate(facts.map(({ said }) => said))}`),
    values: Object.fromEntries(facts.map(({ subject, value }) => [factKey(subject), value])),
  };
}

function together(answers: readonly Answer[]): Answer | undefined {
  const [only] = answers;
  if (only === undefined || answers.length === 1) return only;
  return { text: answers.map(({ text }) => text).join(' '), values: joinedValues(answers) };
}
