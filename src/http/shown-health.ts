// What is known of an upstream as /readyz and /v1/info show it. /readyz is public: nothing of addresses, keys or
// directories may be in here.
import type { EngineInsight } from '../providers/insight/insight.ts';
import type { UpstreamHealth } from '../routing/upstream-health.ts';
import type { ShownInsight, ShownUpstream } from './health-shapes.ts';

export function shownHealth(health: UpstreamHealth): ShownUpstream {
  const { name, kind, healthy, latencyMs, problem, checkedAt, insight } = health;
  return {
    name,
    kind,
    healthy,
    latency_ms: latencyMs,
    problem,
    checked_at: checkedAt === null ? null : Math.round(checkedAt / 1000),
    insight: insight && shownInsight(insight),
  };
}

export function shownModels(models: readonly string[] | null | undefined): string[] | null {
  return models?.map(shownName) ?? null;
}

function shownInsight(insight: EngineInsight): ShownInsight {
  const { contextTokens, cacheTiers } = insight;
  return {
    engine_version: insight.engineVersion,
    running_requests: insight.runningRequests,
    waiting_requests: insight.waitingRequests,
    kv_cache_usage: rounded(insight.kvCacheUsage),
    prefix_hit_ratio: rounded(insight.prefixHitRatio),
    prefix_hit_ratio_recent: rounded(insight.prefixHitRatioRecent),
    context_tokens:
      contextTokens &&
      Object.fromEntries([...contextTokens].map(([model, tokens]) => [shownName(model), tokens])),
    loaded_models: shownModels(insight.loadedModels),
    cache_tiers:
      cacheTiers?.map(({ name, hitRatio, hitRatioRecent, usedBytes }) => ({
        name,
        hit_ratio: rounded(hitRatio),
        hit_ratio_recent: rounded(hitRatioRecent),
        used_bytes: usedBytes,
      })) ?? null,
  };
}

/** Engines call a model by its file where nobody named it; where that file lies is nobody's business. */
function shownName(model: string): string {
  const isPath = /^(?:\/|[A-Za-z]:[\\/]|\.{1,2}\/|~)/.test(model);
  return isPath ? (model.split(/[\\/]/).findLast((part) => part !== '') ?? model) : model;
}

function rounded(share: number | null): number | null {
  return share === null ? null : Math.round(share * 10_000) / 10_000;
}
