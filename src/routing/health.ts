// What is known of each upstream, from background probes: never a probe per request.
import type { Clock } from '../domain/clock.ts';
import { isObject } from '../json/document.ts';

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
  /** Tokens of prompt and answer that the upstream says this model takes (vLLM, llama.cpp); null where it does not. */
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
  onChange?(health: UpstreamHealth): void;
  /** Told of every probe's result. */
  onProbe?(health: UpstreamHealth): void;
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
  const contexts = new Map<string, ReadonlyMap<string, number>>();

  async function probe(upstream: ProbedUpstream): Promise<void> {
    const startedAt = clock.elapsed();
    const { problem, contextTokens } = await askModels(
      upstream,
      AbortSignal.any([closing.signal, AbortSignal.timeout(options.timeoutMs)]),
    );
    if (closing.signal.aborted) return;
    if (problem === null) contexts.set(upstream.name, contextTokens);
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
    options.onProbe?.(health);
    if (before !== health.healthy) options.onChange?.(health);
  }

  const probeAll = async () => {
    await Promise.all(upstreams.map(probe));
  };
  const timer = setInterval(() => void probeAll(), options.intervalMs);
  timer.unref();

  return {
    contextOf: (upstream, model) => contexts.get(upstream)?.get(model) ?? null,
    of: (upstream) => known.get(upstream),
    all: () => [...known.values()],
    probeAll,
    close() {
      clearInterval(timer);
      closing.abort();
    },
  };
}

interface ModelsAnswer {
  /** null when the upstream lists its models; otherwise what is wrong. */
  readonly problem: string | null;
  /** Tokens by model, as far as the list says. */
  readonly contextTokens: ReadonlyMap<string, number>;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

async function askModels(upstream: ProbedUpstream, signal: AbortSignal): Promise<ModelsAnswer> {
  try {
    const response = await fetch(`${upstream.baseUrl}/models`, {
      headers: { accept: 'application/json', ...upstream.headers },
      redirect: 'manual',
      signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      return { problem: `HTTP ${response.status}`, contextTokens: NOTHING };
    }
    return { problem: null, contextTokens: contextsIn(await response.text()) };
  } catch (error) {
    if (signal.aborted) return { problem: 'no answer in time', contextTokens: NOTHING };
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    return { problem: typeof code === 'string' ? code : 'unreachable', contextTokens: NOTHING };
  }
}

/** vLLM says `max_model_len` of each model, llama.cpp `meta.n_ctx`; others say nothing, or nothing readable. */
function contextsIn(text: string): ReadonlyMap<string, number> {
  const contexts = new Map<string, number>();
  try {
    const list: unknown = JSON.parse(text);
    const models: unknown = isObject(list) ? list['data'] : null;
    for (const model of Array.isArray(models) ? models : []) {
      if (!isObject(model) || typeof model['id'] !== 'string') continue;
      const meta = isObject(model['meta']) ? model['meta'] : {};
      const tokens = model['max_model_len'] ?? meta['n_ctx'];
      if (typeof tokens === 'number' && tokens > 0) contexts.set(model['id'], tokens);
    }
  } catch (error) {
    // A page instead of a list: the upstream is up, and nothing is known of its window.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return contexts;
}
