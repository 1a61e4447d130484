// Decides whether the engine calls tools, and which: what tool_choice demands, or else those whose words are in the
// message.

import type { Dialogue } from '../answer/answer.ts';
import { readable } from '../answer/reading.ts';
import { expressionIn } from '../answer/arithmetic.ts';
import { wordsOf } from '../fields.ts';
import { isObject } from '../json.ts';
import type { ChatRequest, Tool } from '../request.ts';

/** Words that say nothing about what a tool is for. */
const VERBS = new Set(
  'get set fetch do run make create use call current new my the a an of for to in on and or by with is are it this that what how please you me from as at be can user given return returns'.split(
    ' ',
  ),
);

const NAME_WEIGHT = 3;
const FIELD_WEIGHT = 1;
const DESCRIPTION_WEIGHT = 1;
/** One word of the name, or three of the description. */
const FITS = 3;

/** The tools to call for the last message, best first; none where the engine is to answer in words. */
export function chooseTools(request: ChatRequest, dialogue: Dialogue): readonly Tool[] {
  const { tools, toolChoice, parallelCalls } = request;
  if (tools.length === 0 || toolChoice === 'none') return [];
  if (typeof toolChoice === 'object') return tools.filter(({ name }) => name === toolChoice.name);
  const message = messageToMatch(dialogue);
  const ranked = tools
    .map((tool) => ({ tool, fit: fit(tool, message) }))
    .toSorted((one, other) => other.fit - one.fit);
  const fitting = ranked.filter((one) => one.fit >= FITS).map(({ tool }) => tool);
  const chosen =
    toolChoice === 'required' && fitting.length === 0
      ? ranked.map(({ tool }) => tool).slice(0, 1)
      : fitting;
  return parallelCalls ? chosen : chosen.slice(0, 1);
}

/** "And in Rome?" is about whatever the message before was about. */
function messageToMatch({ question, earlier }: Dialogue): string {
  const text = readable(question);
  const follows = /^(?:and|what about|how about|now|also)\b/i.test(text) && text.length < 80;
  return follows ? `${readable(earlier.at(-1) ?? '')} ${text}` : text;
}

function fit(tool: Tool, message: string): number {
  const said = new Set(wordsOf(message).map(stem));
  const name = telling(wordsOf(tool.name));
  const description = telling(wordsOf(tool.description)).difference(name);
  const properties = isObject(tool.parameters['properties']) ? tool.parameters['properties'] : {};
  const fields = Object.keys(properties).flatMap(wordsOf);
  const calculates =
    fields.some((field) => /^(?:expression|formula|equation)$/.test(field)) &&
    expressionIn(message) !== undefined;
  return (
    NAME_WEIGHT * hits(name, said) +
    DESCRIPTION_WEIGHT * hits(description, said) +
    FIELD_WEIGHT * hits(telling(fields), said) +
    (calculates ? FITS : 0)
  );
}

function telling(words: readonly string[]): Set<string> {
  return new Set(words.filter((word) => word.length > 1 && !VERBS.has(word)).map(stem));
}

function hits(words: ReadonlySet<string>, said: ReadonlySet<string>): number {
  return [...words].filter((word) => said.has(word)).length;
}

/** Crude, and the same on both sides, which is all that is asked of it. */
function stem(word: string): string {
  return word.length > 4 ? word.replace(/(?:ing|ed|es|s|or|er|e)$/, '') : word;
}
