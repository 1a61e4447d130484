// What is known of each upstream, from background probes: never a probe per request.
import type { Clock } from '../domain/clock.ts';
import type { ProbedUpstream } from '../providers/insight/ask.ts';
import type { UpstreamHealth } from './upstream-health.ts';
import { watchUpstream, type UpstreamWatch } from './watch-upstream.ts';

export interface Health {
  /** Tokens of prompt and answer that the upstream says this model takes; null where it does not. */
  contextOf(upstream: string, model: string): number | null;
  of(upstream: string): UpstreamHealth | undefined;
  all(): UpstreamHealth[];
  /** Probes every upstream once, now. */
  probeAll(): Promise<void>;
  /** Probes those once that have not been probed yet. */
  probeNew(): Promise<void>;
  /** Watches these upstreams from now on; of those that stay as they were, all that is known is kept. */
  watch(watched: WatchedUpstreams): void;
  close(): void;
}

export interface WatchedUpstreams {
  readonly upstreams: readonly ProbedUpstream[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface HealthOptions {
  readonly clock: Clock;
  /** 0 to 1, for the time between probes. */
  readonly random?: () => number;
  /** After each probe; `reachable` when any HTTP reply came, whatever it said. */
  onProbe?(health: UpstreamHealth, reachable: boolean): void;
  /** After a probe that changed `healthy`. */
  onChange?(health: UpstreamHealth): void;
}

export function watchHealth(options: HealthOptions): Health {
  const { clock, random = Math.random } = options;
  let watches = new Map<string, Watched>();

  function begin(upstream: ProbedUpstream, { intervalMs, timeoutMs }: WatchedUpstreams): Watched {
    const watch = watchUpstream({
      upstream,
      intervalMs,
      timeoutMs,
      clock,
      random,
      onProbe: (health, reachable) => options.onProbe?.(health, reachable),
      onChange: (health) => options.onChange?.(health),
    });
    return { watch, as: { upstream, intervalMs, timeoutMs } };
  }

  const all = () => [...watches.values()].map(({ watch }) => watch);
  const probe = async (some: readonly UpstreamWatch[]) => {
    await Promise.all(some.map((watch) => watch.probe()));
  };
  return {
    contextOf: (upstream, model) => watches.get(upstream)?.watch.contextOf(model) ?? null,
    of: (upstream) => watches.get(upstream)?.watch.health(),
    all: () => all().map((watch) => watch.health()),
    probeAll: () => probe(all()),
    probeNew: () => probe(all().filter((watch) => watch.health().checkedAt === null)),
    watch(watched) {
      const before = watches;
      const { intervalMs, timeoutMs } = watched;
      watches = new Map(
        watched.upstreams.map((upstream) => {
          const known = before.get(upstream.name);
          const isKept = known && Bun.deepEquals(known.as, { upstream, intervalMs, timeoutMs });
          return [upstream.name, isKept ? known : begin(upstream, watched)];
        }),
      );
      for (const [name, one] of before) if (watches.get(name) !== one) one.watch.close();
    },
    close() {
      for (const watch of all()) watch.close();
    },
  };
}

interface Watched {
  readonly watch: UpstreamWatch;
  /** What it was begun with. */
  readonly as: Omit<WatchedUpstreams, 'upstreams'> & { readonly upstream: ProbedUpstream };
}
