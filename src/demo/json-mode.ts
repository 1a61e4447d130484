// Answers in JSON: an object of the answer's parts for json_object, a value of the given schema for json_schema.
// Fields are filled from what the engine knows; where it knows nothing, from what the question itself holds.

import type { Answer } from './answer/answer.ts';
import { readable } from './answer/reading.ts';
import { cluesIn } from './clues.ts';
import { type Propose, proposeFrom, wordsOf } from './fields.ts';
import type { Json, JsonObject } from './json.ts';
import { valueFor } from './json-schema.ts';
import type { ResponseFormat } from './request.ts';

interface Spoken {
  readonly answer: Answer;
  readonly question: string;
}

/** The answer as JSON text. */
export function answerAsJson(format: ResponseFormat, spoken: Spoken): string {
  if (format.type === 'json_schema') {
    const filling = { propose: proposing(spoken), mentions: mentionsOf(spoken), sparse: false };
    return JSON.stringify(valueFor(format.schema, filling));
  }
  return JSON.stringify(freeObject(spoken));
}

/** The members that the question asks for by name, or else the answer's gist. */
function freeObject(spoken: Spoken): JsonObject {
  const named = keysNamedIn(readable(spoken.question));
  if (named.length === 0) return { answer: gist(spoken.answer) };
  // What stands in braces or quotes names the members: it is not what to fill them with.
  const question = readable(spoken.question).replaceAll(/\{[^{}]*\}|"[^"]*"/g, ' ');
  const clue = proposeFrom(cluesIn(question));
  return Object.fromEntries(
    named.map(({ key, type }, index) => {
      const otherwise = index === 0 ? gist(spoken.answer) : null;
      return [key, valueNamed(spoken.answer, key) ?? clue(key, type) ?? otherwise];
    }),
  );
}

/** Keys as people name them: `"city": …` as in an example, or words after "keys", "fields", "properties". */
function keysNamedIn(question: string): { key: string; type: string }[] {
  const example = [...question.matchAll(/["'`](?<key>[\w-]{1,64})["'`]\s*:\s*(?<digit>\d)?/g)];
  if (example.length > 0) {
    return example.map(({ groups }) => ({
      key: groups?.['key'] ?? '',
      type: groups?.['digit'] === undefined ? 'string' : 'number',
    }));
  }
  const listed =
    /\b(?:keys?|fields?|propert(?:y|ies))\b\s?(?:named|called|are)?:?\s?(?<list>[^.?!]{1,200})/i.exec(
      question,
    );
  const list = listed?.groups?.['list'] ?? '';
  const quoted = [...list.matchAll(/["'`](?<key>[\w-]{1,64})["'`]/g)];
  return [...new Set(quoted.map(({ groups }) => groups?.['key'] ?? ''))].map((key) => ({
    key,
    type: 'string',
  }));
}

function proposing(spoken: Spoken): Propose {
  const { answer, question } = spoken;
  const clue = proposeFrom(cluesIn(question));
  return (field, type) => {
    const named = valueNamed(answer, field);
    if (type === 'string') {
      if (typeof named === 'string') return named;
      if (typeof named === 'number') return String(named);
      return isForWords(field) ? answer.text : fromMessage(clue(field, type), answer);
    }
    return typeof named === 'number' ? named : clue(field, type);
  };
}

/** A clue of the question's is only better than the answer where the engine knows no answer. */
function fromMessage(clue: Json | undefined, answer: Answer): Json {
  const known = gist(answer);
  const said = typeof known === 'string' ? known : JSON.stringify(known);
  return answer.values === undefined ? (clue ?? said) : said;
}

function isForWords(field: string): boolean {
  return /\b(?:text|message|response|reply|explanation|reasoning|summary|description|sentence|content)\b/.test(
    wordsOf(field).join(' '),
  );
}

/** The part of the answer whose name shares a word with the field's. */
function valueNamed({ values }: Answer, field: string): Json | undefined {
  if (values === undefined) return undefined;
  const wanted = new Set(wordsOf(field));
  const exact = Object.entries(values).find(([name]) => name === field);
  const near = Object.entries(values).find(([name]) =>
    wordsOf(name).some((word) => wanted.has(word)),
  );
  return exact?.[1] ?? near?.[1];
}

function gist({ values, short, text }: Answer): Json {
  const answer = values?.['answer'];
  return answer === undefined || answer === null ? (short ?? text) : answer;
}

function mentionsOf({ answer, question }: Spoken): string {
  return `${JSON.stringify(answer.values ?? {})} ${answer.text} ${question}`.slice(0, 20_000);
}
