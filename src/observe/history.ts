// The last hour of chat requests for the dashboard, by alias and upstream: a few additions per request, in memory of
// a fixed size. Time is monotonic here, so that a clock that is set moves nothing.
import { HISTORY_BUCKET_MS, MAX_HISTORY_CODES, MAX_HISTORY_SERIES } from '../domain/limits.ts';
import { BIN_COUNT, binOf } from './latency-bins.ts';
import type { RequestRecord } from './request-record.ts';
import { bucketAt, createRing, type Ring } from './ring.ts';
import type { FinishedTurn } from './turn-record.ts';

/** What a bucket holds, beside the bins of the time to the first token. */
export const FIELDS = [
  'requests',
  'failures',
  'left',
  'promptTokens',
  'completionTokens',
  'cachedTokens',
  /** Prompt tokens of answers whose upstream tells what it had cached: what cachedTokens is a part of. */
  'comparableTokens',
  /** Tokens after the first of streamed answers, and the milliseconds they took. */
  'pacedTokens',
  'pacedMs',
] as const;

export type Field = (typeof FIELDS)[number];

/** Where the bins begin in what `read` gives. */
export const FIRST_BIN = FIELDS.length;
export const FIELD_COUNT = FIELDS.length + BIN_COUNT;

const INDEX = Object.fromEntries(FIELDS.map((name, at) => [name, at])) as Record<Field, number>;

export interface HistoryFilter {
  /** All where absent. */
  readonly alias?: string | undefined;
  readonly upstream?: string | undefined;
}

/** The last so many steps of so many buckets each; the last one is not over yet. Steps begin where they always do. */
export interface HistoryWindow {
  readonly step: number;
  readonly count: number;
}

export interface History {
  requestFinished(record: RequestRecord, durationMs: number): void;
  turnFinished(turn: FinishedTurn): void;
  /** Further names that may have a history; those before stay. */
  know(names: Pick<HistoryOptions, 'aliases' | 'upstreams'>): void;
  /** The pairs of names that there is anything of; empty where a request got to no alias or no upstream. */
  pairs(): { readonly alias: string; readonly upstream: string }[];
  /** Milliseconds since the first step of the window began. */
  age(window: HistoryWindow): number;
  /** For each step, oldest first, the sum of what matches. */
  read(filter: HistoryFilter, window: HistoryWindow): Float64Array[];
  /** The sum of all these. */
  total(filter: HistoryFilter, window: HistoryWindow): Float64Array;
  /** Failures by code, in the same steps. */
  failures(filter: HistoryFilter, window: HistoryWindow): Map<string, number[]>;
}

export interface HistoryOptions {
  readonly aliases: readonly string[];
  readonly upstreams: readonly string[];
  /** Monotonic milliseconds. */
  elapsed(): number;
}

const CHAT_ROUTES = new Set(['/v1/chat/completions', '/c1/chat']);
const REST = 'other';

interface Series {
  readonly alias: string;
  readonly upstream: string;
  readonly counts: Ring;
  readonly codes: Map<string, Ring>;
}

export function createHistory({ aliases, upstreams, elapsed }: HistoryOptions): History {
  const known = { alias: new Set(aliases), upstream: new Set(upstreams) };
  const byAlias = new Map<string, Map<string, Series>>();
  const all: Series[] = [];

  /** Names come from the configuration only, or a client could fill the memory. */
  function seriesOf(alias: string | undefined, upstream: string | null | undefined): Series {
    const first = alias !== undefined && known.alias.has(alias) ? alias : '';
    const second = upstream != null && known.upstream.has(upstream) ? upstream : '';
    return byAlias.get(first)?.get(second) ?? madeFor(first, second);
  }

  function madeFor(alias: string, upstream: string): Series {
    if (all.length >= MAX_HISTORY_SERIES - 1 && alias !== REST) return seriesFor(REST, REST);
    return seriesFor(alias, upstream);
  }

  function seriesFor(alias: string, upstream: string): Series {
    const within = byAlias.get(alias) ?? new Map<string, Series>();
    byAlias.set(alias, within);
    const found = within.get(upstream);
    if (found) return found;
    const series = { alias, upstream, counts: createRing(FIELD_COUNT), codes: new Map() };
    within.set(upstream, series);
    all.push(series);
    return series;
  }

  function matching({ alias, upstream }: HistoryFilter): Series[] {
    return all.filter(
      (series) =>
        (alias === undefined || series.alias === alias) &&
        (upstream === undefined || series.upstream === upstream),
    );
  }

  function firstBucket({ step, count }: HistoryWindow): number {
    return (Math.floor(bucketAt(elapsed()) / step) - count + 1) * step;
  }

  /** The buckets of each step, oldest first. */
  function steps(window: HistoryWindow): number[][] {
    const { step, count } = window;
    const first = firstBucket(window);
    return Array.from({ length: count }, (_, at) =>
      Array.from({ length: step }, (_bucket, within) => first + at * step + within),
    );
  }

  return {
    requestFinished(record, durationMs) {
      if (record.route === undefined || !CHAT_ROUTES.has(record.route)) return;
      const { alias, upstream, errorCode, clientGone, usage, answeredAt, startedAt } = record;
      const series = seriesOf(alias, upstream);
      const bucket = bucketAt(startedAt + durationMs);
      series.counts.add(bucket, INDEX.requests, 1);
      if (errorCode) fail(series, bucket, errorCode);
      else if (clientGone) series.counts.add(bucket, INDEX.left, 1);
      // A turn can outlast its request, and is counted when it ends.
      if (record.turnId !== undefined) return;
      const firstMs = answeredAt === undefined || !record.stream ? null : answeredAt - startedAt;
      countAnswer(series.counts, bucket, {
        promptTokens: usage?.promptTokens ?? null,
        completionTokens: usage?.completionTokens ?? null,
        cachedTokens: usage?.cachedTokens ?? null,
        firstMs,
        durationMs,
      });
    },
    turnFinished(turn) {
      const { alias, upstream, ttftMs: firstMs } = turn;
      countAnswer(seriesOf(alias, upstream).counts, bucketAt(elapsed()), { ...turn, firstMs });
    },
    know(names) {
      for (const alias of names.aliases) known.alias.add(alias);
      for (const upstream of names.upstreams) known.upstream.add(upstream);
    },
    pairs: () => all.map(({ alias, upstream }) => ({ alias, upstream })),
    age: (window) => elapsed() - firstBucket(window) * HISTORY_BUCKET_MS,
    read(filter, window) {
      const found = matching(filter);
      return steps(window).map((buckets) => sumOf(found, buckets));
    },
    total: (filter, window) => sumOf(matching(filter), steps(window).flat()),
    failures(filter, window) {
      const codes = new Map<string, number[]>();
      const inSteps = steps(window);
      for (const [code, ring] of matching(filter).flatMap((series) => [...series.codes])) {
        const sums = codes.get(code) ?? inSteps.map(() => 0);
        for (const [at, buckets] of inSteps.entries())
          sums[at] = (sums[at] ?? 0) + countIn(ring, buckets);
        if (sums.some((sum) => sum > 0)) codes.set(code, sums);
      }
      return codes;
    },
  };
}

function fail({ counts, codes }: Series, bucket: number, code: string): void {
  counts.add(bucket, INDEX.failures, 1);
  const name = codes.has(code) || codes.size < MAX_HISTORY_CODES - 1 ? code : REST;
  let ring = codes.get(name);
  if (!ring) codes.set(name, (ring = createRing(1)));
  ring.add(bucket, 0, 1);
}

function sumOf(series: readonly Series[], buckets: readonly number[]): Float64Array {
  const sum = new Float64Array(FIELD_COUNT);
  for (const { counts } of series) for (const bucket of buckets) counts.addTo(sum, bucket);
  return sum;
}

function countIn(ring: Ring, buckets: readonly number[]): number {
  const sum = new Float64Array(1);
  for (const bucket of buckets) ring.addTo(sum, bucket);
  return sum[0] ?? 0;
}

interface Answer {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cachedTokens: number | null;
  /** To the first token of a streamed answer. */
  readonly firstMs: number | null;
  readonly durationMs: number;
}

function countAnswer(counts: Ring, bucket: number, answer: Answer): void {
  const { firstMs, durationMs } = answer;
  const prompt = whole(answer.promptTokens);
  const completion = whole(answer.completionTokens);
  if (prompt > 0) counts.add(bucket, INDEX.promptTokens, prompt);
  if (completion > 0) counts.add(bucket, INDEX.completionTokens, completion);
  if (answer.cachedTokens !== null && prompt > 0) {
    counts.add(bucket, INDEX.comparableTokens, prompt);
    counts.add(bucket, INDEX.cachedTokens, Math.min(whole(answer.cachedTokens), prompt));
  }
  if (firstMs === null) return;
  counts.add(bucket, FIRST_BIN + binOf(firstMs), 1);
  const pacedMs = Math.round(durationMs - firstMs);
  if (completion < 2 || pacedMs < 1) return;
  counts.add(bucket, INDEX.pacedTokens, completion - 1);
  counts.add(bucket, INDEX.pacedMs, pacedMs);
}

/** Upstreams may call anything a count. */
function whole(tokens: unknown): number {
  return typeof tokens === 'number' && tokens > 0 && tokens < 1e9 ? Math.round(tokens) : 0;
}
