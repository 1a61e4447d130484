// The three-character pieces (grams) by which a search rules conversations out, taken alike from texts and queries.
// Pieces rather than words, because not every script has spaces.

const GRAM = 3;

/** Bounds what one message can cost the writer; the rest of a longer one is found by no search. */
const MAX_INDEXED_CHARS = 65_536;

/** Without repeats and in order, so that they are inserted into neighbouring pages. Empty for fewer than 3 characters. */
export function gramsOf(text: string): string[] {
  const lower = text.slice(0, MAX_INDEXED_CHARS).toWellFormed().toLowerCase();
  const grams = new Set<string>();
  if (!/[\ud800-\udfff]/.test(lower)) {
    for (let i = 0; i + GRAM <= lower.length; i += 1) grams.add(lower.slice(i, i + GRAM));
  } else {
    // By code points: half a surrogate pair is nothing that a database can hold.
    const points = Array.from(lower);
    for (let i = 0; i + GRAM <= points.length; i += 1) {
      grams.add(points.slice(i, i + GRAM).join(''));
    }
  }
  return [...grams].toSorted();
}
