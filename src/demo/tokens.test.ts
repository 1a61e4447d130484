import { expect, test } from 'bun:test';
import fc from 'fast-check';

import { tokenize, tokensOf } from './tokens.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 200 });
const prose = fc
  .array(
    fc.constantFrom('hello', ' ', '\n', '12345', '日本', '👩‍💻', 'é', '.', '"', ' …', 'a'.repeat(30)),
  )
  .map((parts) => parts.join(''));

test('the pieces of any text join back to it, and no piece cuts a code point', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, prose), (text) => {
      const pieces = tokenize(text);
      expect(pieces.join('')).toBe(text);
      expect(pieces.every((piece) => piece !== '' && piece.isWellFormed())).toBe(
        text.isWellFormed(),
      );
    }),
  );
});

test('a text that was cut after a piece splits into the pieces up to there', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, prose), fc.nat(60), (text, cut) => {
      const head = tokenize(text).slice(0, cut);
      expect(tokenize(head.join(''))).toEqual(head);
    }),
  );
});

test('reading the pieces one at a time gives the same pieces', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, prose), (text) => {
      expect([...tokensOf(text)]).toEqual(tokenize(text));
    }),
  );
});

test('words keep the space before them, digits go by threes and CJK by single characters', () => {
  expect(tokenize('The year 20261, 東京.')).toEqual([
    'The',
    ' year',
    ' 202',
    '61',
    ',',
    ' 東',
    '京',
    '.',
  ]);
});
