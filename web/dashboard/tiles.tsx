// The figures at a glance.
import type { DashboardData } from '../../src/http/site/dashboard-shapes.ts';
import { brief, count, duration, NOTHING, percent, rate } from './format.ts';

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly detail: string;
  readonly tone?: 'danger' | 'ok' | undefined;
}

export function Tiles({ data }: { data: DashboardData }) {
  return (
    <dl class="tiles" aria-label="At a glance">
      {tilesOf(data).map(({ label, value, detail, tone }) => (
        <div key={label} class={`card tile ${tone ?? ''}`}>
          <dt>{label}</dt>
          <dd>
            <strong>{value}</strong>
            <span>{detail}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function tilesOf({ total, series, step_seconds, state }: DashboardData): Tile[] {
  const minutes = (series.requests.length * step_seconds) / 60;
  const { requests, failures, left } = total;
  return [
    {
      label: 'Requests',
      value: count(requests),
      detail: `${rate(requests / minutes)} per minute`,
    },
    {
      label: 'Errors',
      value: requests === 0 ? NOTHING : percent(failures / requests),
      detail: `${count(failures)} failed, ${count(left)} left`,
      tone: failures > 0 ? 'danger' : undefined,
    },
    {
      label: 'First token',
      value: duration(total.ttft_p50_ms),
      detail: `95% within ${duration(total.ttft_p95_ms)}`,
    },
    {
      label: 'Speed',
      value: rate(total.tokens_per_second),
      detail: 'tokens per second',
    },
    {
      label: 'Prefix reuse',
      value: percent(total.reuse),
      detail: `${brief(total.cached_tokens)} tokens cached`,
      tone: total.reuse !== null && total.reuse >= 0.5 ? 'ok' : undefined,
    },
    {
      label: 'Open now',
      value: count(state.open_requests),
      detail: `${count(state.open_turns)} turns running`,
    },
  ];
}
