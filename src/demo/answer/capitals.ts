// The skill that knows capitals, both ways round, and follow-ups such as "And of Spain?".
// Names match without case or accents, and as whole words.

import type { Answer, Dialogue } from './answer.ts';
import { asSentence, enumerate, readable, sentencesOf } from './reading.ts';
import { COUNTRIES } from './countries.ts';

interface Country {
  readonly name: string;
  readonly capital: string;
}

const FOLLOW_UP = /^(?:and\b|what about\b|how about\b|now\b|or\b)/i;

export function knowCapitals(dialogue: Dialogue): Answer | undefined {
  const asked = sentencesOf(dialogue.question).filter((sentence) =>
    /\bcapitals?\b/i.test(sentence),
  );
  // A line break may part the question from the country.
  if (asked.length > 0) return answerAbout(asked.join(' ')) ?? answerAbout(dialogue.question);
  const before = dialogue.earlier.at(-1) ?? '';
  if (!FOLLOW_UP.test(dialogue.question) || !/\bcapitals?\b/i.test(readable(before))) {
    return undefined;
  }
  const named = countriesIn(dialogue.question);
  return named.length === 0 ? undefined : stateCapitals(named);
}

/** Countries and capitals that a text names, in order: the places that need no preposition to be known as such. */
export function placesKnownIn(text: string): string[] {
  const countries = matches(COUNTRY_NAMES, text).map(({ at, country }) => ({
    at,
    place: country.name.replace(/^the /, ''),
  }));
  const capitals = matches(CAPITAL_NAMES, text).map(({ at, country }) => ({
    at,
    place: country.capital,
  }));
  const all = [...countries, ...capitals].toSorted((one, other) => one.at - other.at);
  return [...new Set(all.map(({ place }) => place))];
}

function answerAbout(text: string): Answer | undefined {
  const countries = countriesIn(text);
  if (countries.length > 0) return stateCapitals(countries);
  const capitals = matches(CAPITAL_NAMES, text).map(({ country }) => country);
  const [owner] = capitals;
  if (
    owner !== undefined &&
    /\b(?:which|what|whose) (?:country|state|nation)|capital of (?:what|which)|the capital of\s*\??$/i.test(
      text,
    )
  ) {
    return {
      text: `${owner.capital} is the capital of ${owner.name}.`,
      short: asSentence(owner.name),
      values: { country: owner.name, capital: owner.capital, answer: owner.name },
    };
  }
  const unknown = /\bcapital(?: city)? (?:of|for) (?<place>(?:the )?\p{L}[\p{L}' -]{0,60})/iu.exec(
    text,
  );
  const place = unknown?.groups?.['place']?.trim();
  if (place === undefined) return undefined;
  return { text: `I do not know a country called ${place}, so I cannot tell its capital.` };
}

function countriesIn(text: string): Country[] {
  const found = matches(COUNTRY_NAMES, text).map(({ country }) => country);
  return [...new Map(found.map((country) => [country.name, country])).values()];
}

function stateCapitals(countries: readonly Country[]): Answer {
  const sentences = countries.map(({ name, capital }) =>
    asSentence(`The capital of ${name} is ${capital}`),
  );
  const capitals = enumerate(countries.map(({ capital }) => capital));
  const country = enumerate(countries.map(({ name }) => name));
  return {
    text: sentences.join(' '),
    short: asSentence(capitals),
    values: { country, capital: capitals, city: capitals, answer: capitals },
  };
}

interface Gazetteer {
  readonly pattern: RegExp;
  readonly byName: ReadonlyMap<string, Country>;
}

const ROWS = COUNTRIES.map(([name, capital, ...others]) => ({ name, capital, others }));

const COUNTRY_NAMES = gazetteer(
  ROWS.flatMap((row) =>
    [row.name.replace(/^the /, ''), ...row.others].map((name) => [name, row] as const),
  ),
);
const CAPITAL_NAMES = gazetteer(ROWS.map((row) => [row.capital, row] as const));

/** One expression for all names, the longest first, so that Guinea-Bissau is not taken for Guinea. */
function gazetteer(names: readonly (readonly [string, Country])[]): Gazetteer {
  const byName = new Map<string, Country>();
  for (const [name, country] of names) {
    if (!byName.has(plain(name))) byName.set(plain(name), country);
  }
  const longestFirst = [...byName.keys()].toSorted((one, other) => other.length - one.length);
  const alternatives = longestFirst.map((name) => name.replaceAll('.', String.raw`\.`)).join('|');
  return {
    pattern: new RegExp(`(?<![\\p{L}\\p{N}])(?:${alternatives})(?![\\p{L}\\p{N}])`, 'gu'),
    byName,
  };
}

function matches({ pattern, byName }: Gazetteer, text: string): { at: number; country: Country }[] {
  return [...plain(readable(text)).matchAll(pattern)].flatMap((found) => {
    const country = byName.get(found[0]);
    return country === undefined ? [] : [{ at: found.index, country }];
  });
}

/** Lower case without accents, as people type. */
function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll(/[’ʻ`]/g, "'").toLowerCase();
}
