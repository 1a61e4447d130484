// How each upstream is, as the gateway and the engine itself tell it, and how the gateway's process is.
import type { DashboardData } from '../../src/http/site/dashboard-shapes.ts';
import { bytes, count, duration, NOTHING, percent, uptime } from './format.ts';

type Upstream = DashboardData['state']['upstreams'][number];
type Fact = readonly [label: string, value: string, share?: number | null];

export function Engines({ data }: { data: DashboardData }) {
  return (
    <section aria-labelledby="engines">
      <h2 id="engines" class="section-title">
        Upstreams and engines
      </h2>
      <div class="engines">
        {data.state.upstreams.map((upstream) => (
          <Engine key={upstream.name} upstream={upstream} />
        ))}
        <Process state={data.state} />
      </div>
    </section>
  );
}

function Engine({ upstream }: { upstream: Upstream }) {
  const { name, kind, healthy, problem, insight, open_circuits } = upstream;
  const [tone, word] =
    healthy === null ? ['', 'not asked yet'] : healthy ? ['ok', 'up'] : ['danger', 'down'];
  return (
    <article class="card engine">
      <h3>
        <span class={`dot ${tone}`} /> {name} <span class={`badge ${tone}`}>{word}</span>
        <span class="engine-kind">
          {kind}
          {insight?.engine_version ? ` ${insight.engine_version}` : ''}
        </span>
      </h3>
      {problem !== null && !healthy ? <p class="problem">{problem}</p> : null}
      {open_circuits.length > 0 ? (
        <p class="problem">Left alone after failures: {open_circuits.join(', ')}</p>
      ) : null}
      <Facts facts={factsOf(upstream)} />
      {insight?.loaded_models?.length ? (
        <p class="loaded">
          Loaded: {insight.loaded_models.slice(0, 6).join(', ')}
          {insight.loaded_models.length > 6 ? ' …' : ''}
        </p>
      ) : null}
    </article>
  );
}

function factsOf({ latency_ms, running, waiting, insight }: Upstream): Fact[] {
  const facts: Fact[] = [
    ['Answers a probe in', duration(latency_ms)],
    ['From here', `${count(running)} running, ${count(waiting)} waiting`],
  ];
  if (!insight) return facts;
  const { running_requests: runs, waiting_requests: waits } = insight;
  if (runs !== null || waits !== null)
    facts.push(['In the engine', `${told(runs)} running, ${told(waits)} waiting`]);
  if (insight.kv_cache_usage !== null)
    facts.push(['KV cache in use', percent(insight.kv_cache_usage), insight.kv_cache_usage]);
  const recent = insight.prefix_hit_ratio_recent ?? insight.prefix_hit_ratio;
  if (recent !== null) facts.push(['Prefix hits', percent(recent), recent]);
  for (const tier of insight.cache_tiers ?? []) {
    const share = tier.hit_ratio_recent ?? tier.hit_ratio;
    facts.push([`Cache tier ${tier.name}`, percent(share), share]);
  }
  return facts;
}

function told(value: number | null): string {
  return value === null ? NOTHING : count(value);
}

function Process({ state }: Pick<DashboardData, 'state'>) {
  const { store } = state;
  return (
    <article class="card engine">
      <h3>
        <span class={`dot ${store.ok ? 'ok' : 'danger'}`} /> This gateway
        <span class="engine-kind">version {state.version}</span>
      </h3>
      {store.ok ? null : <p class="problem">The store of conversations does not work.</p>}
      <Facts
        facts={[
          ['Up for', uptime(state.uptime_seconds)],
          ['Memory', bytes(state.memory_bytes)],
          ['Event loop late by', duration(state.event_loop_lag_ms)],
          ['Store', store.ok ? 'works' : 'down'],
        ]}
      />
    </article>
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(([label, value, share]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {share == null ? null : <meter min={0} max={1} value={share} aria-hidden="true" />}
          </dd>
        </div>
      ))}
    </dl>
  );
}
