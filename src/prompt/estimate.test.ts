import { expect, test } from 'bun:test';
import { estimatedTokens, TOKENS_PER_IMAGE } from './estimate.ts';

test('tokens go by the bytes of a text, not by its characters', () => {
  expect(estimatedTokens('')).toBe(0);
  expect(estimatedTokens('a'.repeat(35))).toBe(10);
  expect(estimatedTokens('\u00fc'.repeat(35))).toBe(20);
});

test('an image counts as one, however large it is, and wherever it stands', () => {
  const image = `data:image/png;base64,${'QUJD'.repeat(10_000)}`;
  const part = JSON.stringify({ type: 'image_url', image_url: { url: image } });
  const bare = JSON.stringify({ type: 'image_url', image_url: { url: '' } });
  expect(estimatedTokens(`[${part},${part}]`)).toBe(
    estimatedTokens(`[${bare},${bare}]`) + 2 * TOKENS_PER_IMAGE,
  );
});
