// The plots: what each draws of the figures.
import { useMemo } from 'preact/hooks';
import type { DashboardData } from '../../src/http/site/dashboard-shapes.ts';
import { brief, count, duration, percent, rate } from './format.ts';
import { Plot, type Line } from './plot.tsx';

type Values = readonly (number | null)[];

export function Plots({ data }: { data: DashboardData }) {
  const { from, step_seconds, series, total } = data;
  const steps = series.requests.length;
  const times = useMemo(
    () => Array.from({ length: steps }, (_, at) => from + at * step_seconds),
    [from, step_seconds, steps],
  );
  const perMinute = 60 / step_seconds;
  const requests = useMemo(() => requestLines(series, perMinute), [series, perMinute]);
  const errors = useMemo(() => errorLines(data), [data]);
  const lines = useMemo(() => otherLines(series, perMinute), [series, perMinute]);
  return (
    <div class="plots">
      <Plot
        title="Requests"
        unit="per minute"
        summary={`${count(total.requests)} in all`}
        times={times}
        lines={requests}
        empty="No requests in this time."
        format={(value) => rate(value)}
      />
      <Plot
        title="Errors"
        unit="by code"
        summary={`${count(total.failures)} in all`}
        times={times}
        lines={errors}
        stacked
        empty={total.requests === 0 ? 'No requests in this time.' : 'No errors in this time.'}
        format={(value) => count(value ?? 0)}
      />
      <Plot
        title="Time to the first token"
        unit="streamed answers"
        summary={`Median ${duration(total.ttft_p50_ms)}, 95% within ${duration(total.ttft_p95_ms)}`}
        times={times}
        lines={lines.first}
        empty="No streamed answers in this time."
        format={duration}
      />
      <Plot
        title="Speed"
        unit="tokens per second"
        summary={`${rate(total.tokens_per_second)} on average`}
        times={times}
        lines={lines.speed}
        empty="No streamed answers in this time."
        format={rate}
      />
      <Plot
        title="Prefix reuse"
        unit="of prompt tokens"
        summary={`${percent(total.reuse)} came from a cache`}
        times={times}
        lines={lines.reuse}
        most={1}
        empty="No upstream has told what it had cached."
        format={percent}
      />
      <Plot
        title="Tokens"
        unit="per minute"
        summary={`${brief(total.prompt_tokens)} read, ${brief(total.completion_tokens)} written`}
        times={times}
        lines={lines.tokens}
        empty="No tokens in this time."
        format={(value) => brief(value ?? 0)}
      />
    </div>
  );
}

function requestLines(series: DashboardData['series'], perMinute: number): Line[] {
  const { requests, failures, left } = series;
  const scaled = (values: Values) => values.map((value) => (value ?? 0) * perMinute);
  const answered = requests.map((all, at) => all - (failures[at] ?? 0) - (left[at] ?? 0));
  const notAnswered = failures.map((failed, at) => failed + (left[at] ?? 0));
  return [
    { label: 'Answered', color: 1, form: 'bars', drawn: scaled(requests), told: scaled(answered) },
    {
      label: 'Client left',
      color: 4,
      form: 'bars',
      drawn: scaled(notAnswered),
      told: scaled(left),
    },
    { label: 'Failed', color: 2, form: 'bars', drawn: scaled(failures) },
  ];
}

const MOST_CODES = 4;
const CODE_COLORS = [2, 3, 4, 1] as const;

/** The most frequent codes, stacked; the rest as one. */
function errorLines({ errors, series }: DashboardData): Line[] {
  const sum = (counts: readonly number[]) => counts.reduce((total, value) => total + value, 0);
  const codes = Object.entries(errors).toSorted(([, a], [, b]) => sum(b) - sum(a));
  const named = codes.slice(0, MOST_CODES);
  const rest = codes.slice(MOST_CODES).map(([, counts]) => counts);
  const parts: [string, readonly number[], Line['color']][] = named.map(([code, counts], at) => [
    code,
    counts,
    CODE_COLORS[at] ?? 1,
  ]);
  if (rest.length > 0) {
    const others = series.requests.map((_, at) => sum(rest.map((counts) => counts[at] ?? 0)));
    parts.push(['others', others, 5]);
  }
  let below = series.requests.map(() => 0);
  const stacked = parts.map(([label, told, color]): Line => {
    below = below.map((value, at) => value + (told[at] ?? 0));
    return { label, color, form: 'bars', drawn: below, told };
  });
  return stacked.toReversed();
}

function otherLines(series: DashboardData['series'], perMinute: number) {
  const scaled = (values: Values) => values.map((value) => (value ?? 0) * perMinute);
  const { prompt_tokens, cached_tokens, completion_tokens } = series;
  const first: Line[] = [
    { label: 'Median', color: 1, form: 'area', drawn: series.ttft_p50_ms },
    { label: '95% within', color: 2, form: 'line', dashed: true, drawn: series.ttft_p95_ms },
  ];
  const speed: Line[] = [
    { label: 'Average over tokens', color: 3, form: 'area', drawn: series.tokens_per_second },
  ];
  const reuse: Line[] = [{ label: 'Cached', color: 3, form: 'area', drawn: series.reuse }];
  const tokens: Line[] = [
    { label: 'Prompt', color: 1, form: 'bars', drawn: scaled(prompt_tokens) },
    { label: 'of it cached', color: 3, form: 'bars', drawn: scaled(cached_tokens) },
    { label: 'Answer', color: 2, form: 'line', drawn: scaled(completion_tokens) },
  ];
  return { first, speed, reuse, tokens };
}
