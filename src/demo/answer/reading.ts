// Reading a message and writing a sentence: how much of a text is looked at, where sentences end, how things are
// listed and quoted.

/** What of one message is searched for meaning; a pasted book must not cost a minute of regular expressions. */
const MAX_READ_CHARS = 8_000;
const MAX_SENTENCE_CHARS = 1_000;

/** The beginning of a message, as far as the engine reads, runs of white space as one. */
export function readable(text: string): string {
  return text
    .slice(0, MAX_READ_CHARS)
    .replaceAll(/\s+/g, (run) => (run.includes('\n') ? '\n' : ' '))
    .trim();
}

/** A message's sentences, as far as the engine reads. Titles such as "Dr." do not end one. */
export function sentencesOf(text: string): string[] {
  return readable(text)
    .split(/(?<!\b(?:Dr|Mr|Mrs|Ms|St|Prof)\.)(?<=[.!?])\s|\n/)
    .map((sentence) => sentence.slice(0, MAX_SENTENCE_CHARS).trim())
    .filter((sentence) => sentence !== '');
}

export function asSentence(text: string): string {
  const ended = /[.!?…]["'”’]?$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

/** "a", "a and b", "a, b and c". */
export function enumerate(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/** A text as quoted in an answer, cut where it would get in the way. */
export function excerpt(text: string, maxChars = 200): string {
  const flat = text
    .slice(0, maxChars * 4)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const points = Array.from(flat);
  return points.length <= maxChars ? flat : `${points.slice(0, maxChars).join('')}…`;
}
