// Titles are one line, and not a long one.
import { MAX_TITLE_CHARS } from '../domain/limits.ts';

/** The text as one line, cut where it is too long. */
export function shortTitle(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  if (line.length <= MAX_TITLE_CHARS) return line;
  // Cut between characters as people see them, not inside an emoji.
  const kept = new Intl.Segmenter().segment(line).containing(MAX_TITLE_CHARS - 1)?.index;
  return `${line.slice(0, kept)}…`;
}
