// vLLM, and LMCache inside it: /health and /v1/models decide, /metrics tells the rest. Names of metrics changed over
// the versions, so each is looked for under its new name first.
import { faultIn, rootOf, textOf, type Ask } from './ask.ts';
import type { Look } from './engine.ts';
import { trackHitRatio, type TrackHits } from './hit-ratio.ts';
import { NOTHING_KNOWN, type CacheTier } from './insight.ts';
import { readMetrics, shareOf, type Metrics } from './metrics-text.ts';
import { contextsOf, memberOf, nameIn, parseReply, readModels } from './read-json.ts';

/** A version changes by a restart only. */
const VERSION_EVERY = 30;

const WANTED: ReadonlySet<string> = new Set([
  'vllm:num_requests_running',
  'vllm:num_requests_waiting',
  'vllm:kv_cache_usage_perc',
  'vllm:gpu_cache_usage_perc',
  'vllm:prefix_cache_hits',
  'vllm:prefix_cache_queries',
  'vllm:gpu_prefix_cache_hits',
  'vllm:gpu_prefix_cache_queries',
  'vllm:external_prefix_cache_hits',
  'vllm:external_prefix_cache_queries',
  'lmcache:num_lookup_hit_tokens',
  'lmcache:num_lookup_hits',
  'lmcache:num_lookup_requested_tokens',
  'lmcache:num_lookup_tokens',
  'lmcache:local_cache_usage',
  'lmcache:local_storage_usage',
  'lmcache:remote_cache_usage',
]);

export function lookAtVllm(baseUrl: string): Look {
  const root = rootOf(baseUrl);
  const prefix = trackHitRatio();
  const external = trackHitRatio();
  const lmcache = trackHitRatio();
  let version: string | null = null;

  return async (ask: Ask) => {
    const [health, list, page, versionText] = await Promise.all([
      ask.get(`${root}/health`),
      ask.get(`${baseUrl}/models`),
      ask.optional(`${root}/metrics`),
      ask.optional(`${root}/version`, VERSION_EVERY),
    ]);
    version = nameIn(memberOf(parseReply(versionText), 'version')) ?? version;
    const models = readModels(textOf(list));
    const metrics = readMetrics(page ?? '', WANTED);
    const hits = prefix(
      metrics.sum('vllm:prefix_cache_hits', 'vllm:gpu_prefix_cache_hits'),
      metrics.sum('vllm:prefix_cache_queries', 'vllm:gpu_prefix_cache_queries'),
    );
    const names = models?.map(({ id }) => id) ?? null;
    return {
      fault: faultIn(list) ?? faultIn(health),
      insight: {
        ...NOTHING_KNOWN,
        engineVersion: version,
        runningRequests: metrics.sum('vllm:num_requests_running'),
        waitingRequests: metrics.sum('vllm:num_requests_waiting'),
        kvCacheUsage: shareOf(metrics.max('vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc')),
        prefixHitRatio: hits.overall,
        prefixHitRatioRecent: hits.recent,
        contextTokens: contextsOf(models),
        loadedModels: names,
        availableModels: names,
        cacheTiers: tiersIn(metrics, { external, lmcache }),
      },
    };
  };
}

/** Lookups are counted, retrievals too; LMCache's own gauges of hit rates stand still while nothing is asked. */
function tiersIn(
  metrics: Metrics,
  { external, lmcache }: { external: TrackHits; lmcache: TrackHits },
): CacheTier[] | null {
  const tiers: CacheTier[] = [];
  const connector = external(
    metrics.sum('vllm:external_prefix_cache_hits'),
    metrics.sum('vllm:external_prefix_cache_queries'),
  );
  // vLLM writes these counters without a connector as well: they stay at zero.
  if (connector.overall !== null) tiers.push(tier('external', connector, null));
  const lookups = lmcache(
    metrics.sum('lmcache:num_lookup_hit_tokens', 'lmcache:num_lookup_hits'),
    metrics.sum('lmcache:num_lookup_requested_tokens', 'lmcache:num_lookup_tokens'),
  );
  const memory = metrics.sum('lmcache:local_cache_usage');
  if (memory !== null || lookups.overall !== null) tiers.push(tier('lmcache', lookups, memory));
  const disk = metrics.sum('lmcache:local_storage_usage');
  if (disk) tiers.push(tier('lmcache_disk', UNCOUNTED, disk));
  const remote = metrics.sum('lmcache:remote_cache_usage');
  if (remote) tiers.push(tier('lmcache_remote', UNCOUNTED, remote));
  return tiers.length > 0 ? tiers : null;
}

const UNCOUNTED = { overall: null, recent: null };

function tier(
  name: CacheTier['name'],
  { overall, recent }: ReturnType<TrackHits>,
  usedBytes: number | null,
): CacheTier {
  return { name, hitRatio: overall, hitRatioRecent: recent, usedBytes };
}
