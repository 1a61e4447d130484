// What the dashboard's history counts, of whom, when it forgets, and that no client can fill it.
import { describe, expect, test } from 'bun:test';
import {
  HISTORY_BUCKET_MS,
  HISTORY_BUCKETS,
  MAX_HISTORY_CODES,
  MAX_HISTORY_SERIES,
} from '../domain/limits.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { ERROR_CATALOGUE } from '../domain/error-catalogue.ts';
import { createHistory, type HistoryOptions } from './history.ts';
import { seriesOf, summaryOf } from './history-summary.ts';
import type { RequestRecord } from './request-record.ts';
import type { FinishedTurn } from './turn-record.ts';

const START = 50_000;
const HOUR = { step: 1, count: HISTORY_BUCKETS };

function historyAt(names: Partial<HistoryOptions> = {}) {
  const time = { elapsed: START };
  const history = createHistory({
    aliases: ['a', 'b'],
    upstreams: ['x', 'y'],
    elapsed: () => time.elapsed,
    ...names,
  });
  return { history, time, total: (filter = {}) => summaryOf(history.total(filter, HOUR)) };
}

const usage = (prompt: number, completion: number, cached?: number) => ({
  promptTokens: prompt,
  completionTokens: completion,
  cachedTokens: cached ?? null,
});
const request = (more: Partial<RequestRecord> = {}): RequestRecord => ({
  requestId: 'req_1',
  method: 'POST',
  path: '/v1/chat/completions',
  route: '/v1/chat/completions',
  startedAt: START - 1_000,
  status: 200,
  stream: true,
  alias: 'a',
  upstream: 'x',
  ...more,
});
const turn = (more: Partial<FinishedTurn> = {}): FinishedTurn => ({
  turnId: 'turn_1',
  conversationId: 'conv_1',
  alias: 'a',
  upstream: 'x',
  status: 'completed',
  errorCode: null,
  promptTokens: 100,
  completionTokens: 11,
  expectedCachedTokens: null,
  cachedTokens: 50,
  prefixBreak: null,
  epochReason: null,
  ttftMs: 200,
  durationMs: 700,
  ...more,
});

describe('a request', () => {
  test('is counted with its tokens, its first token and its pace', () => {
    const { history, total } = historyAt();
    const answeredAt = START - 800;
    history.requestFinished(request({ usage: usage(100, 41, 60), answeredAt }), 1_000);
    const { ttft_p50_ms, ttft_p95_ms, ...rest } = total();
    expect(rest).toEqual({
      requests: 1,
      failures: 0,
      left: 0,
      prompt_tokens: 100,
      completion_tokens: 41,
      cached_tokens: 60,
      reuse: 0.6,
      tokens_per_second: 50,
    });
    for (const ms of [ttft_p50_ms ?? 0, ttft_p95_ms ?? 0]) {
      expect(ms).toBeGreaterThan(133);
      expect(ms).toBeLessThan(300);
    }
  });

  test('that is answered whole has neither a first token nor a pace', () => {
    const { history, total } = historyAt();
    const whole = request({ stream: false, usage: usage(10, 5), answeredAt: START });
    history.requestFinished(whole, 1_000);
    expect(total()).toMatchObject({ ttft_p50_ms: null, tokens_per_second: null, reuse: null });
  });

  test('that fails is counted by its code, one whose client left is no failure', () => {
    const { history, total } = historyAt();
    history.requestFinished(request({ errorCode: 'upstream_timeout' }), 1_000);
    history.requestFinished(request({ errorCode: 'invalid_json', alias: 'made up' }), 1_000);
    history.requestFinished(request({ clientGone: true }), 1_000);
    expect(total()).toMatchObject({ requests: 3, failures: 2, left: 1 });
    const sums = [...history.failures({}, HOUR)].map(([code, counts]) => [
      code,
      counts.reduce((a, b) => a + b, 0),
    ]);
    expect(sums).toEqual([
      ['upstream_timeout', 1],
      ['invalid_json', 1],
    ]);
    expect(history.pairs()).toEqual([
      { alias: 'a', upstream: 'x' },
      { alias: '', upstream: 'x' },
    ]);
  });

  test('that is no chat is not counted', () => {
    const { history, total } = historyAt();
    history.requestFinished(request({ route: '/v1/models' }), 1);
    const { route: _, ...nowhere } = request();
    history.requestFinished(nowhere, 1);
    expect(total().requests).toBe(0);
  });
});

test('a turn’s tokens are counted when it ends, its request when that ends, neither twice', () => {
  const { history, total } = historyAt();
  const asked = request({ route: '/c1/chat', turnId: 'turn_1', usage: usage(100, 11, 50) });
  history.requestFinished(asked, 1_000);
  expect(total()).toMatchObject({ requests: 1, prompt_tokens: 0 });
  history.turnFinished(turn());
  expect(total()).toMatchObject({
    requests: 1,
    prompt_tokens: 100,
    completion_tokens: 11,
    cached_tokens: 50,
    reuse: 0.5,
    tokens_per_second: 20,
  });
});

test('reuse is told of answers whose upstream tells what it had cached, and of no others', () => {
  const { history, total } = historyAt();
  history.turnFinished(turn({ cachedTokens: null, promptTokens: 1_000_000 }));
  expect(total().reuse).toBeNull();
  history.turnFinished(turn({ cachedTokens: 75 }));
  expect(total().reuse).toBe(0.75);
});

test('what upstreams call a count need not be one', () => {
  const { history, total } = historyAt();
  const odd = { promptTokens: Number.NaN, completionTokens: -4, cachedTokens: null };
  history.requestFinished(request({ usage: odd, answeredAt: START }), 1_000);
  history.turnFinished(turn({ promptTokens: Number.NaN, completionTokens: 1e300 }));
  expect(total()).toMatchObject({
    prompt_tokens: 0,
    completion_tokens: 0,
    tokens_per_second: null,
  });
});

test('alias and upstream choose what is read, alone and together', () => {
  const { history, total } = historyAt();
  for (const [alias, upstream] of [
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'y'],
  ] as const)
    history.requestFinished(request({ alias, upstream }), 1_000);
  const requests = (filter: object) => total(filter).requests;
  expect(requests({})).toBe(3);
  expect(requests({ alias: 'a' })).toBe(2);
  expect(requests({ upstream: 'y' })).toBe(2);
  expect(requests({ alias: 'b', upstream: 'x' })).toBe(0);
});

test('each thing is in the bucket in which it ended, and an hour later it is forgotten', () => {
  const { history, time } = historyAt();
  history.requestFinished(request(), 1_000);
  const at = () => seriesOf(history.read({}, HOUR)).requests.indexOf(1);
  expect(at()).toBe(HISTORY_BUCKETS - 1);
  time.elapsed += HISTORY_BUCKET_MS * 10;
  expect(at()).toBe(HISTORY_BUCKETS - 11);
  time.elapsed += HISTORY_BUCKET_MS * (HISTORY_BUCKETS - 11);
  expect(at()).toBe(0);
  time.elapsed += HISTORY_BUCKET_MS;
  expect(at()).toBe(-1);
});

test('steps begin where they always do, and the last one is not over yet', () => {
  const { history, time } = historyAt();
  const window = { step: 6, count: 10 };
  const minutes = () => seriesOf(history.read({}, window)).requests;
  for (let at = 0; at < 12; at++) {
    time.elapsed = 600_000 + at * HISTORY_BUCKET_MS;
    history.requestFinished(request({ startedAt: time.elapsed }), 0);
    expect(minutes().slice(-2)).toEqual(at < 6 ? [0, at + 1] : [6, at - 5]);
    expect(history.age(window)).toBe(9 * 60_000 + (at % 6) * HISTORY_BUCKET_MS);
  }
  expect(summaryOf(history.total({}, window)).requests).toBe(12);
});

test('names that a new configuration brings have a history from then on', () => {
  const { history, total } = historyAt();
  history.requestFinished(request({ alias: 'new' }), 1_000);
  expect(total({ alias: 'new' }).requests).toBe(0);
  history.know({ aliases: ['new'], upstreams: [] });
  history.requestFinished(request({ alias: 'new' }), 1_000);
  expect(total({ alias: 'new' }).requests).toBe(1);
});

test('memory is bounded: pairs beyond the most are one, and so are codes', () => {
  const aliases = Array.from({ length: 500 }, (_, at) => `alias${at}`);
  const { history, total } = historyAt({ aliases });
  for (const alias of aliases) history.requestFinished(request({ alias }), 1_000);
  expect(history.pairs()).toHaveLength(MAX_HISTORY_SERIES);
  expect(total().requests).toBe(500);
  expect(total({ alias: 'other' }).requests).toBe(500 - MAX_HISTORY_SERIES + 1);
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
  for (const errorCode of codes)
    history.requestFinished(request({ alias: 'alias0', errorCode }), 1);
  expect(history.failures({}, HOUR).size).toBe(MAX_HISTORY_CODES);
  expect(total().failures).toBe(codes.length);
});
