// Which clue fits a field, by the words of the field's name and its type. Each number is given out once, so that
// {a, b} of "add 3 and 5" become 3 and 5.

import type { Clues } from './clues.ts';
import type { Json } from './json.ts';

/** Offers a value for a field, or undefined; whoever asks checks it against the field's schema. */
export type Propose = (field: string, type: string) => Json | undefined;

type Rule = readonly [words: RegExp, clue: (clues: Clues) => string | undefined];

const RULES: readonly Rule[] = [
  [/\b(?:from|origin|departure)\b/, (clues) => after(clues, 'from') ?? clues.places[0]],
  [/\b(?:email|mail|recipient)\b/, ({ emails }) => emails[0]],
  [
    /\b(?:to|destination|arrival)\b/,
    (clues) => clues.emails[0] ?? after(clues, 'to') ?? clues.places.at(-1),
  ],
  [/\b(?:url|uri|link|website)\b/, ({ urls }) => urls[0]],
  [
    /\b(?:city|cities|location|locations|place|town|country|region|area|where|address)\b/,
    ({ places }) => places[0],
  ],
  [/\b(?:date|day|deadline)\b/, ({ dates }) => dates[0]],
  [/\b(?:time|hour)\b/, ({ times }) => times[0]],
  [/\b(?:timezone|zone)\b/, ({ places }) => places[0]],
  [/\b(?:expression|formula|equation|calculation|math|sum)\b/, ({ expression }) => expression],
  [/\b(?:symbol|ticker|currency)\b/, ({ symbols, quoted }) => symbols[0] ?? quoted[0]],
  [
    /\b(?:language|lang)\b/,
    (clues) => after(clues, 'to') ?? after(clues, 'into') ?? after(clues, 'in'),
  ],
  [/\b(?:name|person|user|who|author|customer)\b/, ({ quoted, names }) => quoted[0] ?? names[0]],
  [
    /\b(?:query|q|search|question|keywords?|topic|term|subject)\b/,
    ({ quoted, topic }) => quoted[0] ?? topic,
  ],
  [
    /\b(?:text|input|prompt|content|message|body|note|task|title|description)\b/,
    ({ quoted, topic }) => quoted[0] ?? topic,
  ],
];

export function proposeFrom(clues: Clues): Propose {
  const numbers = [...clues.numbers];
  return (field, type) => {
    if (type === 'number') return numbers.shift();
    if (type === 'integer') {
      const at = numbers.findIndex(Number.isInteger);
      return at === -1 ? undefined : numbers.splice(at, 1)[0];
    }
    if (type !== 'string') return undefined;
    const words = wordsOf(field).join(' ');
    for (const [pattern, clue] of RULES) {
      const value = pattern.test(words) ? clue(clues) : undefined;
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** The words of an identifier: "getStock_price" is get, stock, price. */
export function wordsOf(identifier: string): string[] {
  return identifier
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

/** The proper name, or else the word, that follows a preposition. */
function after({ message }: Clues, preposition: string): string | undefined {
  const pattern = new RegExp(
    `\\b${preposition} (\\p{Lu}[\\p{L}'’-]*(?: \\p{Lu}[\\p{L}'’-]*)*)`,
    'u',
  );
  return pattern.exec(message)?.[1];
}
