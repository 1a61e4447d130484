// What a turn should find in the engine's cache.
import { describe, expect, test } from 'bun:test';
import type { Turn } from '../conversations/turn.ts';
import { expectedCachedTokens } from './prefix.ts';

const before = (promptTokens: number | null, completionTokens: number | null) =>
  ({
    upstream: 'dgx',
    epochId: 'epoch_1',
    usage: { promptTokens, completionTokens, cachedTokens: null },
  }) satisfies Pick<Turn, 'usage' | 'upstream' | 'epochId'>;
const next = { upstream: 'dgx', kind: 'vllm', epochId: 'epoch_1' };

describe('the tokens that a turn should find cached', () => {
  test('are none on the first turn, and none where the upstream or the epoch is another', () => {
    expect(expectedCachedTokens(null, next)).toBe(0);
    expect(expectedCachedTokens(before(100, 50), { ...next, upstream: 'spare' })).toBe(0);
    expect(expectedCachedTokens(before(100, 50), { ...next, epochId: 'epoch_2' })).toBe(0);
    expect(expectedCachedTokens({ ...before(100, 50), upstream: null }, next)).toBe(0);
  });

  test('are not known where the upstream did not count', () => {
    expect(expectedCachedTokens(before(null, 50), next)).toBeNull();
    expect(expectedCachedTokens(before(100, null), next)).toBeNull();
  });

  test.each([
    [0, 0, 0],
    [1, 15, 0],
    [1, 16, 16],
    [100, 28, 112],
    [100, 29, 128],
  ])('are whole blocks of %p + %p without the last token: %p', (prompt, answer, expected) => {
    expect(expectedCachedTokens(before(prompt, answer), next)).toBe(expected);
  });

  test.each([
    ['llama.cpp', 127],
    ['ollama', 127],
    ['lmstudio', 127],
    ['sglang', 112],
    ['openai', 112],
    ['never heard of', 112],
  ])('are counted in the blocks of %s: %p', (kind, expected) => {
    expect(expectedCachedTokens(before(100, 28), { ...next, kind })).toBe(expected);
  });
});
