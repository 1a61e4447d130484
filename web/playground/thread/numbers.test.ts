// What an answer cost, in numbers that are shown.
import { describe, expect, test } from 'bun:test';
import { reuseOf, shownTime, tokensPerSecond } from './numbers.ts';

describe('tokens per second', () => {
  test('count from the first token on', () => {
    expect(tokensPerSecond({ completionTokens: 101, ttftMs: 1_000, durationMs: 3_000 })).toBe(50);
  });

  test.each([
    { completionTokens: 1, ttftMs: 10, durationMs: 20 },
    { completionTokens: 9, ttftMs: 20, durationMs: 20 },
    { completionTokens: null, ttftMs: 10, durationMs: 20 },
    { completionTokens: 9, ttftMs: null, durationMs: 20 },
  ])('are not known of %j', (numbers) => {
    expect(tokensPerSecond(numbers)).toBeNull();
  });
});

describe('the reuse of a prompt', () => {
  test('is a share of it, at most the whole', () => {
    expect(reuseOf({ promptTokens: 200, cachedTokens: 50, expectedCachedTokens: 100 })).toEqual({
      cached: 25,
      expected: 50,
    });
    expect(reuseOf({ promptTokens: 2, cachedTokens: 3, expectedCachedTokens: null })).toEqual({
      cached: 100,
      expected: null,
    });
  });

  test('is not known where the model server does not count', () => {
    expect(reuseOf({ promptTokens: 9, cachedTokens: null, expectedCachedTokens: 4 })).toBeNull();
    expect(reuseOf({ promptTokens: 0, cachedTokens: 0, expectedCachedTokens: 0 })).toBeNull();
  });
});

test('times are shown as people say them', () => {
  expect([0.4, 85.2, 1_234, 12_345].map(shownTime)).toEqual(['0 ms', '85 ms', '1.2 s', '12 s']);
});
