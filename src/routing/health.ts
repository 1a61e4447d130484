// What is known of each upstream, from background probes: never a probe per request.
import type { Clock } from '../domain/clock.ts';

export interface ProbedUpstream {
  readonly name: string;
  readonly kind: string;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface UpstreamHealth {
  readonly name: string;
  readonly kind: string;
  /** null until the first probe has come back. */
  readonly healthy: boolean | null;
  readonly latencyMs: number | null;
  /** Why it is not healthy, in a few words. */
  readonly problem: string | null;
  /** Unix milliseconds of the last probe. */
  readonly checkedAt: number | null;
}

export interface Health {
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
  onChange?(health: UpstreamHealth): void;
}

export function watchHealth(options: HealthOptions): Health {
  const { upstreams, clock } = options;
  const known = new Map<string, UpstreamHealth>(
    upstreams.map(({ name, kind }) => [
      name,
      { name, kind, healthy: null, latencyMs: null, problem: null, checkedAt: null },
    ]),
  );
  const closing = new AbortController();

  async function probe(upstream: ProbedUpstream): Promise<void> {
    const startedAt = clock.elapsed();
    const problem = await problemOf(
      upstream,
      AbortSignal.any([closing.signal, AbortSignal.timeout(options.timeoutMs)]),
    );
    if (closing.signal.aborted) return;
    const before = known.get(upstream.name)?.healthy;
    const health: UpstreamHealth = {
      name: upstream.name,
      kind: upstream.kind,
      healthy: problem === null,
      latencyMs: Math.round((clock.elapsed() - startedAt) * 10) / 10,
      problem,
      checkedAt: clock.now(),
    };
    known.set(upstream.name, health);
    if (before !== health.healthy) options.onChange?.(health);
  }

  const probeAll = async () => {
    await Promise.all(upstreams.map(probe));
  };
  const timer = setInterval(() => void probeAll(), options.intervalMs);
  timer.unref();

  return {
    of: (upstream) => known.get(upstream),
    all: () => [...known.values()],
    probeAll,
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

/** null when the upstream lists its models; otherwise what is wrong. */
async function problemOf(upstream: ProbedUpstream, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(`${upstream.baseUrl}/models`, {
      headers: { accept: 'application/json', ...upstream.headers },
      redirect: 'manual',
      signal,
    });
    await response.body?.cancel();
    return response.ok ? null : `HTTP ${response.status}`;
  } catch (error) {
    if (signal.aborted) return 'no answer in time';
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    return typeof code === 'string' ? code : 'unreachable';
  }
}
