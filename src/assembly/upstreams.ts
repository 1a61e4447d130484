// From the configured upstreams to what watches them and to how many requests each is given.
import type { Config } from '../config/schema.ts';
import { systemClock } from '../domain/clock.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import { headersFor } from '../providers/credential-header.ts';
import { requiredHeaders } from '../providers/required-headers.ts';
import { watchHealth, type WatchedUpstreams } from '../routing/health.ts';
import { createSlots, type Slots } from '../routing/slots.ts';
import type { UpstreamHealth } from '../routing/upstream-health.ts';

export interface ProbedUpstream extends UpstreamHealth {
  /** Whether any HTTP reply came, whatever it said. */
  readonly reachable: boolean;
}

/** One probe of each upstream, the same that a running gateway makes again and again. */
export async function probeUpstreams(config: Config): Promise<ProbedUpstream[]> {
  const answered = new Set<string>();
  const health = watchHealth({
    clock: systemClock,
    onProbe: ({ name }, reachable) => void (reachable && answered.add(name)),
  });
  health.watch(watchedUpstreams(config));
  await health.probeNew();
  health.close();
  return health.all().map((seen) => ({ ...seen, reachable: answered.has(seen.name) }));
}

export function watchedUpstreams({ upstreams, health }: Config): WatchedUpstreams {
  return {
    upstreams: Object.entries(upstreams).map(([name, upstream]) => ({
      name,
      kind: upstream.kind,
      baseUrl: upstream.base_url,
      headers: { ...requiredHeaders(upstream.kind), ...headersFor(upstream) },
    })),
    intervalMs: health.probe_interval_ms,
    timeoutMs: health.probe_timeout_ms,
  };
}

/** The slots of each upstream, and where it is: at another address it is another engine. */
export type SlotsByUpstream = ReadonlyMap<string, { readonly slots: Slots; readonly at: string }>;

/** Slots for every upstream. Those that stay where they were keep theirs, with the requests that run in them. */
export function slotsFor(
  { upstreams }: Config,
  before: SlotsByUpstream,
  deadlines: Deadlines,
): SlotsByUpstream {
  return new Map(
    Object.entries(upstreams).map(([upstream, settings]) => {
      const { base_url: at, max_concurrent, max_queued, queue_ms } = settings;
      const limits = {
        maxConcurrent: max_concurrent ?? null,
        maxQueued: max_queued,
        queueMs: queue_ms,
      };
      const known = before.get(upstream);
      if (known?.at !== at)
        return [upstream, { at, slots: createSlots({ upstream, limits, deadlines }) }];
      known.slots.limit(limits);
      return [upstream, known];
    }),
  );
}
