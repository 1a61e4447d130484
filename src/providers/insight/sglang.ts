// SGLang: the list of models decides, with its contexts; /metrics tells the rest, where --enable-metrics is on. Its
// /health is left alone: it makes the engine generate a token, and takes a second for it.
import { faultIn, rootOf, textOf, type Ask } from './ask.ts';
import type { Look } from './engine.ts';
import { trackHitRatio } from './hit-ratio.ts';
import { NOTHING_KNOWN } from './insight.ts';
import { readMetrics, shareOf, type Metrics } from './metrics-text.ts';
import { contextsOf, memberOf, nameIn, parseReply, readModels, tokensIn } from './read-json.ts';

/** Its answer is long, and changes by a restart only. */
const SERVER_INFO_EVERY = 30;

const WANTED: ReadonlySet<string> = new Set([
  'sglang:num_running_reqs',
  'sglang:num_queue_reqs',
  'sglang:token_usage',
  'sglang:cache_hit_rate',
  'sglang:cached_tokens',
  'sglang:prompt_tokens',
]);

export function lookAtSglang(baseUrl: string): Look {
  const root = rootOf(baseUrl);
  const prefix = trackHitRatio();
  let version: string | null = null;
  let serverContext: number | null = null;

  return async (ask: Ask) => {
    const [list, page, info] = await Promise.all([
      ask.get(`${baseUrl}/models`),
      ask.optional(`${root}/metrics`),
      ask.optional(`${root}/get_server_info`, SERVER_INFO_EVERY),
    ]);
    const server = parseReply(info);
    version = nameIn(memberOf(server, 'version')) ?? version;
    serverContext = tokensIn(memberOf(server, 'context_length')) ?? serverContext;
    const models = readModels(textOf(list));
    const metrics = readMetrics(page ?? '', WANTED);
    const hits = prefix(metrics.sum('sglang:cached_tokens'), metrics.sum('sglang:prompt_tokens'));
    const names = models?.map(({ id }) => id) ?? null;
    return {
      fault: faultIn(list),
      insight: {
        ...NOTHING_KNOWN,
        engineVersion: version,
        runningRequests: overReplicas(metrics, 'sglang:num_running_reqs'),
        waitingRequests: overReplicas(metrics, 'sglang:num_queue_reqs'),
        kvCacheUsage: shareOf(metrics.max('sglang:token_usage')),
        prefixHitRatio: hits.overall,
        prefixHitRatioRecent: hits.recent ?? shareOf(metrics.max('sglang:cache_hit_rate')),
        contextTokens: contextsOf(
          models?.map(({ id, contextTokens }) => ({
            id,
            contextTokens: contextTokens ?? serverContext,
          })) ?? null,
        ),
        loadedModels: names,
        availableModels: names,
      },
    };
  };
}

/** The ranks of one replica may all report the same requests; replicas have requests of their own. */
function overReplicas(metrics: Metrics, name: string): number | null {
  const most = new Map<string, number>();
  for (const { labels, value } of metrics.samples(name)) {
    const replica = labels.get('dp_rank') ?? '';
    most.set(replica, Math.max(value, most.get(replica) ?? 0));
  }
  return most.size === 0 ? null : [...most.values()].reduce((total, value) => total + value, 0);
}
