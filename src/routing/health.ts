// What is known of each upstream, from background probes: never a probe per request.
import type { Clock } from '../domain/clock.ts';
import type { ProbedUpstream } from '../providers/insight/ask.ts';
import type { UpstreamHealth } from './upstream-health.ts';
import { watchUpstream } from './watch-upstream.ts';

export interface Health {
  /** Tokens of prompt and answer that the upstream says this model takes; null where it does not. */
  contextOf(upstream: string, model: string): number | null;
  of(upstream: string): UpstreamHealth | undefined;
  all(): UpstreamHealth[];
  /** Probes every upstream once, now. */
  probeAll(): Promise<void>;
  close(): void;
}

export interface HealthOptions {
  readonly upstreams: readonly ProbedUpstream[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** 0 to 1, for the time between probes. */
  readonly random?: () => number;
  /** After each probe; `reachable` when any HTTP reply came, whatever it said. */
  onProbe?(health: UpstreamHealth, reachable: boolean): void;
  /** After a probe that changed `healthy`. */
  onChange?(health: UpstreamHealth): void;
}

export function watchHealth(options: HealthOptions): Health {
  const { intervalMs, timeoutMs, clock, random = Math.random } = options;
  const watches = new Map(
    options.upstreams.map((upstream) => [
      upstream.name,
      watchUpstream({
        upstream,
        intervalMs,
        timeoutMs,
        clock,
        random,
        onProbe: (health, reachable) => options.onProbe?.(health, reachable),
        onChange: (health) => options.onChange?.(health),
      }),
    ]),
  );
  return {
    contextOf: (upstream, model) => watches.get(upstream)?.contextOf(model) ?? null,
    of: (upstream) => watches.get(upstream)?.health(),
    all: () => [...watches.values()].map((watch) => watch.health()),
    async probeAll() {
      await Promise.all([...watches.values()].map((watch) => watch.probe()));
    },
    close() {
      for (const watch of watches.values()) watch.close();
    },
  };
}
