import { expect, test } from 'bun:test';
import fc from 'fast-check';

import { BLOCK_TOKENS, createPrefixCache } from './prefix-cache.ts';

// Few different tokens, so that random prompts do share prefixes.
const prompt = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 120 });
const words = (count: number, word = 'w'): string[] =>
  Array.from({ length: count }, (_, at) => `${word}${at}`);

test('cached tokens are whole blocks and never the whole prompt', () => {
  const cache = createPrefixCache();
  fc.assert(
    fc.property(prompt, (tokens) => {
      const { cachedTokens } = cache.admit(tokens, 'model');
      expect(cachedTokens % BLOCK_TOKENS).toBe(0);
      expect(cachedTokens).toBeLessThan(tokens.length);
    }),
  );
});

test('a prompt that was just admitted hits up to its last block, and never hits less for prompts in between', () => {
  fc.assert(
    fc.property(prompt, fc.array(prompt, { maxLength: 8 }), (tokens, others) => {
      const cache = createPrefixCache();
      cache.admit(tokens, 'model');
      for (const other of others) cache.admit(other, 'model');
      const whole = Math.floor((tokens.length - 1) / BLOCK_TOKENS) * BLOCK_TOKENS;
      expect(cache.admit(tokens, 'model').cachedTokens).toBe(whole);
    }),
  );
});

test('a prompt that extends an earlier prompt and its answer hits all blocks of both', () => {
  fc.assert(
    fc.property(prompt, prompt, prompt, (tokens, answer, next) => {
      const cache = createPrefixCache();
      cache.settle(cache.admit(tokens, 'model').prefix, answer);
      const { cachedTokens } = cache.admit([...tokens, ...answer, ...next], 'model');
      const known = tokens.length + answer.length;
      expect(cachedTokens).toBeGreaterThanOrEqual(
        Math.floor(known / BLOCK_TOKENS) * BLOCK_TOKENS - BLOCK_TOKENS,
      );
      if (next.length > 0) {
        expect(cachedTokens).toBeGreaterThanOrEqual(
          Math.min(
            Math.floor(known / BLOCK_TOKENS),
            Math.floor((known + next.length - 1) / BLOCK_TOKENS),
          ) * BLOCK_TOKENS,
        );
      }
    }),
  );
});

test('one changed token early in the prompt loses everything after it', () => {
  const cache = createPrefixCache();
  cache.admit(words(160), 'model');
  const changed = words(160);
  changed[20] = 'changed';
  expect(cache.admit(changed, 'model').cachedTokens).toBe(BLOCK_TOKENS);
});

test('prompts of another scope do not hit', () => {
  const cache = createPrefixCache();
  cache.admit(words(100), 'one');
  expect(cache.admit(words(100), 'other').cachedTokens).toBe(0);
});

test('a full cache forgets the ends of old chains before their beginnings', () => {
  const cache = createPrefixCache(10);
  cache.admit(words(8 * BLOCK_TOKENS, 'old'), 'model');
  cache.admit(words(4 * BLOCK_TOKENS, 'new'), 'model');
  expect(cache.admit(words(8 * BLOCK_TOKENS, 'old'), 'model').cachedTokens).toBe(6 * BLOCK_TOKENS);
});
