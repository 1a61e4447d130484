// What the user has told about themselves in the messages at hand: "My X is Y", "I live in Y", "The code word is Y".
// The engine has no memory of its own; that a later turn still knows a fact shows that the history was sent along.

import { sentencesOf } from './reading.ts';

export interface Fact {
  readonly key: string;
  /** The fact said back to the user, without a capital or a full stop: "your name is Ada". */
  readonly said: string;
  readonly subject: string;
  readonly verb: string;
  readonly value: string;
}

const SUBJECT = String.raw`[\p{L}\p{N}][\p{L}\p{N}'’ -]{0,60}?`;
/** Where one clause ends and the next statement may begin. */
const CLAUSE_END = String.raw`(?=\s*(?:[,;]|\band\b|\bbut\b)\s*(?:and\s+|but\s+)?(?:my|our|the|I|I['’]m|please)\b|$)`;
const VALUE = String.raw`(?<value>\S.*?)${CLAUSE_END}`;
const NOW = String.raw`\s+(?:now\s+|actually\s+|also\s+)?`;

const OWNED = new RegExp(
  String.raw`(?<!\b(?:when|if|whether|what|who|where|how|while|unless|until|that)\s)\b(?<whose>my|our)\s+(?<subject>${SUBJECT})\s+(?<verb>is|are|was|were)${NOW}${VALUE}`,
  'giu',
);
const SHARED = new RegExp(
  String.raw`\b(?<whose>the|this)\s+(?<subject>${SUBJECT})\s+(?<verb>is|are)${NOW}${VALUE}`,
  'giu',
);
const CALLED = new RegExp(
  String.raw`(?:\bI(?:\s+am|['’]m)\s+called|\bcall\s+me)\s+${VALUE}`,
  'giu',
);
const REMEMBERED = new RegExp(
  String.raw`\b(?:remember|memori[sz]e|note)\s+(?:this|the|my|these|a)\s+(?<subject>(?:secret |magic |code |pass)?(?:word|number|code|phrase|password|name|colou?r|animal|city|pin|token|key|secret|date))\s*(?::|=|\bis\b)?\s*${VALUE}`,
  'giu',
);

/** Statements in the first person, each with the question that asks for it. */
export interface Habit {
  readonly key: string;
  readonly stated: RegExp;
  readonly asked: RegExp;
  /** "where you live", for when it is not known. */
  readonly missing: string;
  say(value: string): string;
}

function habit(stated: string, asked: RegExp, [missing, you]: readonly [string, string]): Habit {
  const pattern = new RegExp(
    String.raw`\bI(?:['’]m|\s+am)?\s+(?:now\s+|currently\s+|really\s+)?${stated}\s+${VALUE}`,
    'giu',
  );
  return { key: `@${you}`, stated: pattern, asked, missing, say: (value) => `${you} ${value}` };
}

export const HABITS: readonly Habit[] = [
  habit('(?:live|living) in', /\bwhere (?:do|am) I (?:live|living)\b/i, [
    'where you live',
    'you live in',
  ]),
  habit('(?:work|working) as', /\bwhat do I (?:do|work as)\b/i, ['what you do', 'you work as']),
  habit('(?:work|working) (?:at|for)', /\b(?:where|who|whom) do I work\b/i, [
    'where you work',
    'you work at',
  ]),
  habit('(?:come )?from', /\bwhere (?:am I from|do I come from)\b/i, [
    'where you are from',
    'you are from',
  ]),
  habit('was born', /\b(?:where|when) was I born\b/i, [
    'when or where you were born',
    'you were born',
  ]),
  habit('(?:like|love|enjoy)', /\bwhat do I (?:like|love|enjoy)\b/i, ['what you like', 'you like']),
  habit('prefer', /\bwhat do I prefer\b/i, ['what you prefer', 'you prefer']),
];

const AGE =
  /\bI(?:['’]m|\s+am)\s+(?<value>\d{1,3})(?:\s+years? old\b|(?=\s*(?:[.,;!]|and\b|$)))/giu;

/** Subjects that introduce what is asked rather than state something to keep. */
const NOT_KEPT =
  /^(?:question|request|task|guess|point|problem|answer|understanding|prompt|next|last|first)\b/i;

/** The facts of some messages, the latest statement of each. */
export function factsIn(messages: readonly string[]): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const sentence of messages.flatMap(sentencesOf)) {
    if (sentence.endsWith('?')) continue;
    for (const fact of statedIn(sentence)) {
      facts.delete(fact.key);
      facts.set(fact.key, fact);
    }
  }
  return facts;
}

/** One key for all spellings: "My Favorite Color" and "favourite colour" are the same subject. */
export function factKey(subject: string): string {
  return subject
    .toLowerCase()
    .replaceAll('’', "'")
    .replaceAll(/\bfavorite\b/g, 'favourite')
    .replaceAll(/\bcolor(s?)\b/g, 'colour$1')
    .replaceAll(/\bneighbor/g, 'neighbour')
    .replaceAll(/\bgray\b/g, 'grey')
    .replaceAll(/\bown\s+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function statedIn(sentence: string): Fact[] {
  // "My name's Ada" is "My name is Ada"; "my dog's name" is left alone.
  const text = sentence.replaceAll(/\b(name|age|job)['’]s\b/gi, '$1 is');
  const owned = collect(text, OWNED, (found) => owning('your', found));
  const shared = collect(text, SHARED, (found) => owning('the', found));
  const remembered = collect(text, REMEMBERED, (found) => owning('the', { ...found, verb: 'is' }));
  const called = collect(text, CALLED, ({ value }) =>
    owning('your', { subject: 'name', verb: 'is', value }),
  );
  const aged = collect(text, AGE, ({ value }) => ({
    ...fact('your age', { subject: 'age', verb: 'is', value }),
    said: `you are ${value} years old`,
  }));
  const habits = HABITS.flatMap((one) =>
    collect(text, one.stated, ({ value }) => ({
      ...fact(one.key, { subject: one.missing, verb: '', value }),
      said: one.say(value),
    })),
  );
  return [...shared, ...remembered, ...owned, ...called, ...aged, ...habits];
}

interface Statement {
  readonly subject: string;
  readonly verb: string;
  readonly value: string;
}

function collect(text: string, pattern: RegExp, toFact: (found: Statement) => Fact): Fact[] {
  return [...text.matchAll(pattern)].flatMap(({ groups }) => {
    const value = tidyValue(groups?.['value'] ?? '');
    const subject = groups?.['subject'] ?? '';
    if (value === '' || NOT_KEPT.test(subject)) return [];
    return [toFact({ subject, verb: (groups?.['verb'] ?? 'is').toLowerCase(), value })];
  });
}

function owning(whose: 'your' | 'the', stated: Statement): Fact {
  // "My dog is called Rex" answers "What is my dog's name?".
  const name = /^(?:called|named)\s+(?<name>.+)$/i.exec(stated.value)?.groups?.['name'];
  const named =
    name === undefined ? stated : { subject: `${stated.subject}'s name`, verb: 'is', value: name };
  return fact(`${whose} ${factKey(named.subject)}`, named);
}

function fact(key: string, { subject, verb, value }: Statement): Fact {
  const whose = key.startsWith('the ') ? 'the' : 'your';
  return { key, subject, verb, value, said: `${whose} ${subject} ${verb} ${value}` };
}

function tidyValue(value: string): string {
  return value
    .replace(
      /[\s,;–—-]*(?:\band\s+)?(?:\bplease\s+)?\b(?:remember|note|memori[sz]e|keep)\s+(?:that|this|it)\b.*$/i,
      '',
    )
    .replace(/[\s.,;:!]+$/, '')
    .replace(/^["'“‘](?<inner>.*)["'”’]$/, '$<inner>')
    .replaceAll(/\bmy\b/gi, 'your')
    .replaceAll(/\bI am\b|\bI['’]m\b/g, 'you are')
    .replaceAll(/\bI\b|\bme\b/g, 'you')
    .trim();
}
