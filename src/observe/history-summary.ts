// What charts and tiles show of a history: sums, shares and quantiles of its buckets.
import { HISTORY_BUCKET_MS } from '../domain/limits.ts';
import { FIELD_COUNT, FIELDS, FIRST_BIN, type Field } from './history.ts';
import { quantile } from './latency-bins.ts';

/** Of one bucket, or of many added up; null where there is nothing to tell. */
export interface Summary {
  readonly requests: number;
  readonly failures: number;
  /** Requests whose client left first. */
  readonly left: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  /** The share of prompt tokens that engines had cached, where they tell: 0 to 1. */
  readonly reuse: number | null;
  /** Milliseconds to the first token of streamed answers. */
  readonly ttft_p50_ms: number | null;
  readonly ttft_p95_ms: number | null;
  /** How fast an answer goes on after its first token, on average over tokens. */
  readonly tokens_per_second: number | null;
}

export function summaryOf(counts: Float64Array): Summary {
  const of = (field: Field) => counts[FIELDS.indexOf(field)] ?? 0;
  const bins = counts.subarray(FIRST_BIN);
  return {
    requests: of('requests'),
    failures: of('failures'),
    left: of('left'),
    prompt_tokens: of('promptTokens'),
    completion_tokens: of('completionTokens'),
    cached_tokens: of('cachedTokens'),
    reuse: ratio(of('cachedTokens'), of('comparableTokens'), 10_000),
    ttft_p50_ms: rounded(quantile(bins, 0.5)),
    ttft_p95_ms: rounded(quantile(bins, 0.95)),
    tokens_per_second: ratio(of('pacedTokens') * 1_000, of('pacedMs'), 10),
  };
}

/** The same names, each with one value per bucket. */
export type SummarySeries = { readonly [K in keyof Summary]: readonly Summary[K][] };

export function seriesOf(buckets: readonly Float64Array[]): SummarySeries {
  const summaries = buckets.map(summaryOf);
  const names = Object.keys(summaryOf(new Float64Array(FIELD_COUNT))) as (keyof Summary)[];
  const entries = names.map((name) => [name, summaries.map((summary) => summary[name])]);
  return Object.fromEntries(entries) as SummarySeries;
}

export const BUCKET_SECONDS = HISTORY_BUCKET_MS / 1_000;

function ratio(part: number, whole: number, precision: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * precision) / precision;
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
