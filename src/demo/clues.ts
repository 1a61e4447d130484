// What a message offers to fill a field with: numbers, places, quoted strings, addresses, an expression. Tool
// arguments and JSON answers are filled from these rather than made up.

import { readable } from './answer/reading.ts';
import { expressionIn } from './answer/arithmetic.ts';
import { placesKnownIn } from './answer/capitals.ts';

export interface Clues {
  readonly message: string;
  readonly numbers: readonly number[];
  readonly places: readonly string[];
  readonly quoted: readonly string[];
  readonly emails: readonly string[];
  readonly urls: readonly string[];
  readonly dates: readonly string[];
  readonly times: readonly string[];
  readonly names: readonly string[];
  readonly symbols: readonly string[];
  readonly expression: string | undefined;
  /** What the message is about: what follows "about", "for", a colon; the whole message where nothing does. */
  readonly topic: string;
}

const PROPER = String.raw`\p{Lu}[\p{L}'’.-]*(?: (?:(?:of|de|da|do|del|la|le) )?\p{Lu}[\p{L}'’-]*)*(?:, \p{Lu}{2}\b)?`;
const PLACES = new RegExp(
  String.raw`\b(?:[Ii]n|[Aa]t|[Nn]ear|[Ff]or|[Tt]o|[Ff]rom|[Aa]round|[Bb]etween) (?:the )?(?<places>${PROPER}(?:(?:, and |, | and | or | to | & )${PROPER})*)`,
  'gu',
);
const PLACE_BREAK = /,? (?:and|or|to|&) |, (?!\p{Lu}{2}\b)/u;
const LOWER_PLACE = /\b(?:in|near|at|for) (?<place>[\p{Ll}'-]{2,}(?: [\p{Ll}'-]+){0,2})/giu;
const NO_PLACE =
  /^(?:the|a|an|my|your|our|this|that|one|two|it|me|us|all|order|celsius|fahrenheit|english|json|words?|detail|general|today|tomorrow|tonight|now|right|please|degrees|next|last|on|and|or|with|using|as|at|is|like)$/i;
const MAX_CLUE_CHARS = 500;

export function cluesIn(text: string): Clues {
  const message = readable(text).trim();
  const all = (pattern: RegExp): string[] => message.match(pattern) ?? [];
  return {
    message: message.slice(0, MAX_CLUE_CHARS),
    numbers: all(/(?<![\p{L}\d.-])-?\d+(?:\.\d+)?(?![\p{L}\d]*[-:/]\d)/gu).map(Number),
    places: placesIn(message),
    quoted: [
      ...message.matchAll(/"([^"]+)"|“([^”]+)”|(?<!\p{L})'([^']+)'(?!\p{L})|`([^`]+)`/gu),
    ].map(([, ...groups]) => groups.find((group) => group !== undefined) ?? ''),
    emails: all(/[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+/g),
    urls: all(/\bhttps?:\/\/[^\s"'<>]+[^\s"'<>.,;:!?)]/g),
    dates: all(/\b\d{4}-\d{2}-\d{2}\b|\b(?:today|tomorrow|tonight|yesterday)\b/gi),
    times: all(/\b\d{1,2}:\d{2}(?::\d{2})?\b|\b\d{1,2} ?(?:am|pm)\b/gi),
    names: all(
      /(?<=[\p{L},'’] )\p{Lu}[\p{Ll}'’][\p{L}'’-]*(?: \p{Lu}[\p{L}'’-]+)*|(?<=^|[.!?:] )\p{Lu}\p{Ll}[\p{L}'’-]*(?= (?:is|was|has|lives|works)\b)/gu,
    ),
    symbols: all(/\b[A-Z]{2,5}\b/g),
    expression: expressionIn(message)?.expression,
    topic: topicOf(message),
  };
}

function placesIn(message: string): string[] {
  const proper = [...message.matchAll(PLACES)].flatMap(
    ({ groups }) => groups?.['places']?.split(PLACE_BREAK) ?? [],
  );
  if (proper.length > 0) return [...new Set(proper.map((place) => place.replace(/[.'’-]+$/, '')))];
  const known = placesKnownIn(message);
  if (known.length > 0) return known;
  return [...message.matchAll(LOWER_PLACE)].flatMap(({ groups }) => {
    const words = groups?.['place']?.split(' ') ?? [];
    const end = words.findIndex((word) => NO_PLACE.test(word));
    const place = words.slice(0, end === -1 ? words.length : end).join(' ');
    return place === '' ? [] : [place];
  });
}

function topicOf(message: string): string {
  const about =
    /\b(?:search(?: the \w+)?(?: for)?|look(?: up)?(?: for)?|find|about|regarding|for|saying|that says)\s+(?<topic>[^?!]+)|:\s*(?<rest>.+)/is.exec(
      message,
    )?.groups;
  const topic = about?.['topic'] ?? about?.['rest'] ?? message;
  return topic.replace(/[\s?.!]+$/, '').slice(0, MAX_CLUE_CHARS);
}
