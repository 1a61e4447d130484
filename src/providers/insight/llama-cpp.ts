// llama.cpp's server: /health (503 while it loads) and the list of models decide; /props, /metrics and /slots tell the
// rest. A server may sleep when idle, and /slots both wakes it and counts as use: see docs/decisions/0026.
import { faultIn, refusedKey, rootOf, textOf, type Answer, type Ask, type Fault } from './ask.ts';
import type { Look } from './engine.ts';
import { trackHitRatio } from './hit-ratio.ts';
import { NOTHING_KNOWN } from './insight.ts';
import { readMetrics, shareOf, type Metrics } from './metrics-text.ts';
import { entriesOf, memberOf, nameIn, parseReply, readModels, tokensIn } from './read-json.ts';

const WANTED: ReadonlySet<string> = new Set([
  'llamacpp:requests_processing',
  'llamacpp:requests_deferred',
  'llamacpp:kv_cache_usage_ratio',
  'llamacpp:prompt_tokens',
  'llamacpp:prompt_tokens_cached',
  'llamacpp:tokens_predicted',
]);

interface Slots {
  readonly processing: number;
  /** How full the fullest slot is; null when none has been used. */
  readonly usage: number | null;
}

export function lookAtLlamaCpp(baseUrl: string): Look {
  const root = rootOf(baseUrl);
  const prefix = trackHitRatio();
  let slots: Slots | null = null;
  let workAtSlots: number | null = null;

  /** Slots change only by work, so they are looked at after work only, when the server is awake anyway. */
  async function lookAtSlots(ask: Ask, props: unknown, metrics: Metrics): Promise<void> {
    if (memberOf(props, 'endpoint_slots') === false) return;
    const cannotSleep = props !== null && memberOf(props, 'is_sleeping') === undefined;
    const work = workIn(metrics);
    if (!cannotSleep && (work === null || work === workAtSlots)) return;
    const read = slotsIn(await ask.optional(`${root}/slots`));
    if (!read) return;
    slots = read;
    workAtSlots = work;
  }

  return async (ask: Ask) => {
    const [health, list, propsAnswer] = await Promise.all([
      ask.get(`${root}/health`),
      ask.get(`${baseUrl}/models`),
      ask.get(`${root}/props`),
    ]);
    const props = parseReply(textOf(propsAnswer));
    const isRouter = memberOf(props, 'role') === 'router';
    const isSleeping = memberOf(props, 'is_sleeping') === true;
    const fault = verdict(health, list, propsAnswer);
    const hasMetrics = memberOf(props, 'endpoint_metrics') !== false;
    // A router would ask for the name of a model, and load it to answer.
    const page = fault || isRouter || !hasMetrics ? null : await ask.optional(`${root}/metrics`);
    const metrics = readMetrics(page ?? '', WANTED);
    if (isSleeping) slots = null;
    else if (!fault && !isRouter) await lookAtSlots(ask, props, metrics);

    const cached = metrics.sum('llamacpp:prompt_tokens_cached');
    const processed = metrics.sum('llamacpp:prompt_tokens');
    const hits = prefix(cached, cached === null || processed === null ? null : cached + processed);
    return {
      fault,
      insight: {
        ...NOTHING_KNOWN,
        ...modelsIn(textOf(list), props, isSleeping),
        engineVersion: nameIn(memberOf(props, 'build_info')),
        runningRequests: metrics.sum('llamacpp:requests_processing') ?? slots?.processing ?? null,
        waitingRequests: metrics.sum('llamacpp:requests_deferred'),
        kvCacheUsage: shareOf(metrics.sum('llamacpp:kv_cache_usage_ratio')) ?? slots?.usage ?? null,
        prefixHitRatio: hits.overall,
        prefixHitRatioRecent: hits.recent,
      },
    };
  };
}

/** While it loads, every path answers 503; without its key, all but /health answer 401. */
function verdict(health: Answer, list: Answer, props: Answer): Fault | null {
  const isLoading = (answer: Answer) =>
    answer.kind === 'reply' && answer.status === 503 && answer.text.includes('Loading model');
  if (isLoading(health) || isLoading(list))
    return { problem: 'loading the model (HTTP 503)', certain: true };
  // Older servers list their models to everybody.
  if (props.kind === 'reply' && props.status === 401) return refusedKey(401);
  return faultIn(list) ?? faultIn(health);
}

/** A number that moves with every piece of work; null without metrics. */
function workIn(metrics: Metrics): number | null {
  const counters = ['prompt_tokens', 'prompt_tokens_cached', 'tokens_predicted'] as const;
  const values = counters.map((name) => metrics.sum(`llamacpp:${name}`));
  return values.every((value) => value === null)
    ? null
    : values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function slotsIn(text: string | null): Slots | null {
  const list = parseReply(text);
  if (!Array.isArray(list)) return null;
  const entries = entriesOf(list).filter((slot) => typeof slot['is_processing'] === 'boolean');
  if (entries.length === 0) return null;
  const shares = entries.flatMap((slot) => {
    const [used, room] = [tokensIn(slot['n_prompt_tokens']), tokensIn(slot['n_ctx'])];
    return used === null || room === null ? [] : [used / room];
  });
  return {
    processing: entries.filter((slot) => slot['is_processing'] === true).length,
    usage: shares.length > 0 ? shareOf(Math.max(...shares)) : null,
  };
}

/** One model that answers to every name; of a router, those that its list calls loaded. */
function modelsIn(listText: string | null, props: unknown, isSleeping: boolean) {
  const models = readModels(listText);
  const states = models?.map(({ entry }) => memberOf(entry['status'], 'value')) ?? [];
  const names = models?.map(({ id }) => id) ?? null;
  const isRouter = memberOf(props, 'role') === 'router' || states.some((state) => state);
  const perSlot = isRouter
    ? null
    : tokensIn(memberOf(memberOf(props, 'default_generation_settings'), 'n_ctx'));
  const contexts = new Map<string, number>();
  for (const { id, contextTokens } of models ?? []) {
    const tokens = perSlot ?? contextTokens;
    if (tokens !== null) contexts.set(id, tokens);
  }
  return {
    contextTokens: contexts.size > 0 ? contexts : null,
    loadedModels: isRouter
      ? (names?.filter((_, at) => states[at] === 'loaded') ?? null)
      : isSleeping
        ? []
        : names,
    availableModels: names,
    servesAnyName: !isRouter,
  };
}
