// What a turn should find in the engine's cache.
import { describe, expect, test } from 'bun:test';
import { expectedCachedTokens, prefixBreak, type TurnBefore } from './prefix.ts';

const before = (promptTokens: number | null, completionTokens: number | null) =>
  ({
    upstream: 'dgx',
    upstreamModel: 'scout',
    epochId: 'epoch_1',
    usage: { promptTokens, completionTokens, cachedTokens: null },
  }) satisfies TurnBefore;
const next = { upstream: 'dgx', model: 'scout', kind: 'vllm', epochId: 'epoch_1' };

describe('the tokens that a turn should find cached', () => {
  test('are none on the first turn, and none where the upstream, its model or the epoch is another', () => {
    expect(expectedCachedTokens(null, next)).toBe(0);
    expect(expectedCachedTokens(before(100, 50), { ...next, upstream: 'spare' })).toBe(0);
    expect(expectedCachedTokens(before(100, 50), { ...next, model: 'other' })).toBe(0);
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

describe('a prefix break', () => {
  const other = { ...next, upstream: 'spare' };
  const later = { ...next, epochId: 'epoch_2' };
  // 1,000 tokens of prompt (62 blocks) and 200 of answer: 1,184 in whole blocks.
  const whole = before(1_000, 200);

  test.each([
    { where: 'all of it was found', asked: next, cached: 1_184, reason: null },
    { where: 'more was found', asked: next, cached: 1_200, reason: null },
    { where: 'its last block was not', asked: next, cached: 1_168, reason: null },
    { where: 'a block more was not', asked: next, cached: 1_152, reason: 'render' },
    { where: 'only the last prompt was', asked: next, cached: 992, reason: 'render' },
    { where: 'the last prompt was but for a block', asked: next, cached: 976, reason: 'render' },
    { where: 'some of the last prompt was not', asked: next, cached: 960, reason: 'eviction' },
    { where: 'nothing was', asked: next, cached: 0, reason: 'eviction' },
    { where: 'nobody counted', asked: next, cached: null, reason: 'unknown' },
    { where: 'another upstream was asked', asked: other, cached: 0, reason: 'upstream' },
    {
      where: 'another upstream was asked, which does not count',
      asked: other,
      cached: null,
      reason: 'upstream',
    },
    {
      where: 'another upstream was asked, with the same cache behind it',
      asked: other,
      cached: 1_184,
      reason: null,
    },
    {
      where: 'another model of the upstream was asked',
      asked: { ...next, model: 'other' },
      cached: 0,
      reason: 'upstream',
    },
    { where: 'an epoch began', asked: later, cached: 320, reason: 'epoch' },
    {
      where: 'an epoch began that the template does not show',
      asked: later,
      cached: 1_184,
      reason: null,
    },
    {
      where: 'an epoch began elsewhere',
      asked: { ...other, epochId: 'epoch_2' },
      cached: 0,
      reason: 'epoch',
    },
  ])('where $where: $reason', ({ asked, cached, reason }) => {
    expect(prefixBreak(whole, asked, cached)).toBe(reason);
  });

  test('is none where there is nothing before, or too little for a block', () => {
    expect(prefixBreak(null, next, 0)).toBeNull();
    expect(prefixBreak(before(10, 8), next, 0)).toBeNull();
  });

  test('is unknown where the turn before was not counted, unless another reason is known', () => {
    expect(prefixBreak(before(null, null), next, 500)).toBe('unknown');
    expect(prefixBreak(before(null, null), later, 500)).toBe('epoch');
  });

  test('is told in the tokens of llama.cpp with the same tolerance', () => {
    const asked = { ...next, kind: 'llama.cpp' };
    expect(prefixBreak(whole, asked, 1_199 - 16)).toBeNull();
    expect(prefixBreak(whole, asked, 1_199 - 17)).toBe('render');
  });
});
