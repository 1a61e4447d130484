// One upstream: its timer, its probes, of which there is never more than one, and what their answers come to.
import type { Clock } from '../domain/clock.ts';
import type { ProbedUpstream } from '../providers/insight/ask.ts';
import type { EngineInsight } from '../providers/insight/insight.ts';
import { contextTokensOf } from '../providers/insight/insight.ts';
import { watchEngine, type Sighting } from '../providers/insight/watch-engine.ts';
import { firstProbeIn, nextProbeIn } from './probe-pace.ts';
import type { UpstreamHealth } from './upstream-health.ts';

export interface UpstreamWatchOptions {
  readonly upstream: ProbedUpstream;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onProbe: (health: UpstreamHealth, reachable: boolean) => void;
  readonly onChange: (health: UpstreamHealth) => void;
}

export interface UpstreamWatch {
  health(): UpstreamHealth;
  contextOf(model: string): number | null;
  /** Resolves with the probe that is under way, or with one that is made now. */
  probe(): Promise<void>;
  close(): void;
}

export function watchUpstream(options: UpstreamWatchOptions): UpstreamWatch {
  const { upstream, intervalMs, clock, random } = options;
  const engine = watchEngine(upstream, () => clock.elapsed());
  const closing = new AbortController();
  let health: UpstreamHealth = {
    name: upstream.name,
    kind: upstream.kind,
    healthy: null,
    latencyMs: null,
    problem: null,
    checkedAt: null,
    insight: null,
  };
  /** Of the last good probe: an engine that is down for a moment has not forgotten its context. */
  let lastInsight: EngineInsight | null = null;
  let probes = 0;
  let inFlight: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function schedule(ms: number): void {
    clearTimeout(timer);
    if (closing.signal.aborted) return;
    timer = setTimeout(() => void probe(), ms);
    timer.unref();
  }

  function take(sighting: Sighting): void {
    const before = health;
    const { fault, insight } = sighting;
    if (!fault) lastInsight = insight;
    const healthy = isHealthy(before, fault);
    health = {
      ...before,
      healthy,
      latencyMs: Math.round(sighting.latencyMs * 10) / 10,
      problem: fault?.problem ?? null,
      checkedAt: clock.now(),
      insight: healthy ? lastInsight : null,
    };
    if (before.healthy === false && healthy) engine.isBack();
    options.onProbe(health, sighting.reachable);
    if (before.healthy !== healthy) options.onChange(health);
  }

  async function run(): Promise<void> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(options.timeoutMs)]);
    const sighting = await engine.look(signal);
    if (closing.signal.aborted) return;
    take(sighting);
    const suspected = health.healthy === true && health.problem !== null;
    const pace = { intervalMs, hosted: engine.hosted, healthy: health.healthy, suspected };
    schedule(probes++ === 0 ? firstProbeIn(intervalMs, random()) : nextProbeIn(pace, random()));
  }

  async function probe(): Promise<void> {
    clearTimeout(timer);
    inFlight ??= run().finally(() => (inFlight = undefined));
    await inFlight;
  }

  schedule(firstProbeIn(intervalMs, random()));
  return {
    health: () => health,
    contextOf: (model) => contextTokensOf(lastInsight, model),
    probe,
    close() {
      clearTimeout(timer);
      closing.abort();
    },
  };
}

/**
 * A refused connection, a refused key or a failure's status are believed at once. A late answer or a dropped
 * connection has to happen twice in a row to a healthy upstream: garbage collectors and networks have such moments.
 */
function isHealthy(before: UpstreamHealth, fault: Sighting['fault']): boolean {
  if (!fault) return true;
  const isFirstTrouble = before.healthy === true && before.problem === null;
  return isFirstTrouble && !fault.certain;
}
