// The demo engine's tokenizer: words with their leading space, digits by threes, CJK by ones, punctuation apart.
// It is no model's vocabulary, but it has what counting, streaming and prefix caching need: it is deterministic,
// the pieces join back to the text, they never cut a code point, and (no lookahead anywhere) the pieces of a text
// that was cut after a piece are the pieces up to there.

const CJK = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
const PIECE = new RegExp(
  [
    String.raw` ?[${CJK}]`,
    String.raw` ?\p{N}{1,3}`,
    String.raw` ?[[\p{L}\p{M}]--[${CJK}]]{1,12}`,
    String.raw`[^\S\n]{1,16}`,
    String.raw`\n{1,8}`,
    String.raw` ?[\p{P}\p{S}]`,
    '[^]',
  ].join('|'),
  'gv',
);

/** All pieces of a text, in order. */
export function tokenize(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** The pieces of a text one at a time, for answers that are long and read by many clients at once. */
export function* tokensOf(text: string): Generator<string, void> {
  const piece = new RegExp(PIECE, 'vy');
  for (let found = piece.exec(text); found !== null; found = piece.exec(text)) yield found[0];
}
