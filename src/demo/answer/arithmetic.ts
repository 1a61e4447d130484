// The skill that calculates: finds an expression in what was asked, in symbols or in words, and evaluates it.
// Dates, fractions such as 24/7 and phone numbers look like sums too, and are only taken for one when asked.

import type { Answer, Dialogue } from './answer.ts';
import { sentencesOf } from './reading.ts';
import { evaluate, type Outcome, spaced } from './exact.ts';

const MAX_EXPRESSION_CHARS = 200;

const NUMBER_WORDS = [
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen',
  'sixteen seventeen eighteen nineteen twenty',
]
  .join(' ')
  .split(' ');

const NUMBER_WORD = new RegExp(`\\b(?:${NUMBER_WORDS.join('|')})\\b`, 'g');

const SPOKEN: readonly (readonly [RegExp, string])[] = [
  [/(?<=\d),(?=\d{3}\b)/g, ''],
  [/(\d+(?:\.\d+)?)\s*(?:%|percent) of\b/g, '$1 / 100 *'],
  [/\b(?:multiplied by|times)\b|[×·]|(?<=[\d)]\s?)x(?=\s?[\d(])/g, '*'],
  [/\bdivided by\b|÷/g, '/'],
  [/\bplus\b/g, '+'],
  [/\bminus\b|[−–]/g, '-'],
  [/\b(?:raised )?to the power of\b|\*\*/g, '^'],
  [/\bsquared\b/g, '^ 2'],
  [/\bcubed\b/g, '^ 3'],
];

const ASKED =
  /(?:\bwhat(?:['’]?s| is| are)|\bhow much (?:is|are)|\b(?:calculate|compute|evaluate|solve|work out)|:)\s*$/;

export function calculate(dialogue: Dialogue): Answer | undefined {
  const found = expressionIn(dialogue.question);
  return found === undefined ? undefined : say(found.expression, found.outcome);
}

/** The first expression that a text asks about. */
export function expressionIn(text: string): { expression: string; outcome: Outcome } | undefined {
  for (const sentence of sentencesOf(text)) {
    const symbols = inSymbols(sentence);
    for (const run of symbols.matchAll(/[-(.]*\d[\d\s.()+*/^-]*/g)) {
      const expression = run[0].replace(/[^\d)]+$/, '');
      const outcome = expression.length <= MAX_EXPRESSION_CHARS ? evaluate(expression) : undefined;
      if (outcome === undefined) continue;
      const before = symbols.slice(0, run.index);
      // 24/7, 2024-01-05 and 555-1234 are only sums when somebody asks for them.
      const ambiguous = /^\d+(?:[-/]\d+)+$/.test(expression);
      if (!ambiguous || ASKED.test(before) || before.trim() === '') {
        return { expression: spaced(expression), outcome };
      }
    }
  }
  return undefined;
}

function inSymbols(sentence: string): string {
  const inDigits = sentence
    .toLowerCase()
    .replaceAll(NUMBER_WORD, (word) => String(NUMBER_WORDS.indexOf(word)));
  return SPOKEN.reduce((text, [pattern, symbol]) => text.replaceAll(pattern, symbol), inDigits);
}

function say(expression: string, outcome: Outcome): Answer {
  if (outcome.kind === 'undefined') {
    return { text: `I cannot work out ${expression}: ${outcome.why}.`, short: 'Undefined.' };
  }
  const number = Number(outcome.text);
  const value = Number.isFinite(number) ? number : outcome.text;
  return {
    text: `${expression} ${outcome.exact ? '=' : '≈'} ${outcome.text}.`,
    short: outcome.text,
    values: { expression, result: value, value, number: value, answer: value },
  };
}
