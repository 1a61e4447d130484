// What an engine tells of itself, in one form for all of them. Everything is null where the engine does not say.

export interface EngineInsight {
  readonly engineVersion: string | null;
  readonly runningRequests: number | null;
  readonly waitingRequests: number | null;
  /** 0 to 1; of several engines behind one address, and of several slots, the fullest. */
  readonly kvCacheUsage: number | null;
  /** Prompt tokens found in the engine's own KV cache, 0 to 1, since it was started. */
  readonly prefixHitRatio: number | null;
  /** The same since the probe before; null when no prompt came in between. */
  readonly prefixHitRatioRecent: number | null;
  /** Tokens that prompt and answer may have together, by the upstream's own name of the model. */
  readonly contextTokens: ReadonlyMap<string, number> | null;
  /** Models that can answer without being loaded first. */
  readonly loadedModels: readonly string[] | null;
  /** Models that the upstream has, loaded or not. */
  readonly availableModels: readonly string[] | null;
  /** Whether its only model answers to every name, as llama.cpp's does. */
  readonly servesAnyName: boolean;
  /** What keeps KV blocks beside the engine's own cache. */
  readonly cacheTiers: readonly CacheTier[] | null;
}

export interface CacheTier {
  /** `external` is what vLLM says of any connector; `lmcache…` is what LMCache says of itself. */
  readonly name: 'external' | 'lmcache' | 'lmcache_disk' | 'lmcache_remote';
  readonly hitRatio: number | null;
  readonly hitRatioRecent: number | null;
  readonly usedBytes: number | null;
}

export const NOTHING_KNOWN: EngineInsight = {
  engineVersion: null,
  runningRequests: null,
  waitingRequests: null,
  kvCacheUsage: null,
  prefixHitRatio: null,
  prefixHitRatioRecent: null,
  contextTokens: null,
  loadedModels: null,
  availableModels: null,
  servesAnyName: false,
  cacheTiers: null,
};

/** The tokens that `model` takes; null when the engine did not say. */
export function contextTokensOf(insight: EngineInsight | null, model: string): number | null {
  const contexts = insight?.contextTokens;
  if (!contexts) return null;
  for (const name of namesOf(model)) {
    const tokens = contexts.get(name);
    if (tokens !== undefined) return tokens;
  }
  if (!insight.servesAnyName || contexts.size !== 1) return null;
  const [only = null] = contexts.values();
  return only;
}

/** Whether `model` is in memory; null when the engine did not say. */
export function isLoaded(insight: EngineInsight | null, model: string): boolean | null {
  const loaded = insight?.loadedModels;
  if (!loaded) return null;
  if (insight.servesAnyName) return loaded.length > 0;
  return namesOf(model).some((name) => loaded.includes(name));
}

/** Ollama takes a name without its tag, and lists it with one. */
function namesOf(model: string): string[] {
  return [model, `${model}:latest`];
}
