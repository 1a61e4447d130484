// The composition root: from a configuration to the wired parts. Nothing below this file knows the configuration, and
// nothing above it knows the parts.
import { fileURLToPath } from 'node:url';
import { createAuthenticate } from './access/credentials.ts';
import { createRateLimit } from './access/rate-limit.ts';
import { createTurns } from './chat/turns.ts';
import type { Config } from './config/schema.ts';
import { configHash } from './config/secrets.ts';
import { isNativeOllama, timeoutsFor } from './config/upstreams.ts';
import { unavailableStore } from './conversations/unavailable-store.ts';
import type { ConversationStore } from './conversations/store.ts';
import { systemClock } from './domain/clock.ts';
import { createDeadlines } from './domain/deadlines.ts';
import { GatewayError } from './domain/errors.ts';
import { createApp } from './http/app.ts';
import { openSite } from './http/site/pages.ts';
import { admit, isMadeHere } from './http/gates.ts';
import type { Exchange } from './http/exchange.ts';
import { createHttpServer, type Connection } from './http/server.ts';
import { createMetrics } from './observe/metrics.ts';
import { createProbe, type Probe } from './observe/probe.ts';
import { createHistory } from './observe/history.ts';
import { watchLoopLag } from './observe/loop-lag.ts';
import type { Log } from './observe/log.ts';
import { openTraces } from './observe/open-traces.ts';
import { createProvider } from './providers/by-kind.ts';
import { headersFor } from './providers/credential-header.ts';
import type { OllamaSettings, Target } from './providers/provider.ts';
import { requiredHeaders } from './providers/required-headers.ts';
import { withholdCredentials } from './providers/withhold-credentials.ts';
import { createUpstreamClient } from './providers/upstream.ts';
import { createCatalog, type Alias } from './routing/catalog.ts';
import { watchHealth } from './routing/health.ts';
import type { UpstreamHealth } from './routing/upstream-health.ts';
import type { SlotLimits } from './routing/slots.ts';
import { breakerFor, createRouter } from './routing/router.ts';
import { traceCalls } from './routing/trace-calls.ts';
import { openSqliteStore } from './storage/sqlite.ts';
import { collectEvents } from './chat/collect-events.ts';
import { watchStore } from './conversations/watch-store.ts';
import packageJson from '../package.json' with { type: 'json' };

export interface GatewayOptions {
  readonly config: Config;
  /** The token that clients must send. */
  readonly bearer: string;
  /** True when the configuration's only upstream is the built-in demo engine. */
  readonly demo: boolean;
  readonly log: Log;
}

export interface Gateway {
  readonly probe: Probe;
  fetch(request: Request, connection: Connection): Promise<Response>;
  /** Requests and turns that are being served. */
  openWork(): number;
  /** Stops taking requests, lets running answers go on for `drainMs`, ends the rest with an error. */
  drain(drainMs: number): Promise<void>;
  /** Lets go of everything; to be called once nothing is served any more. */
  close(): Promise<void>;
}

/** Where `npm run site` puts the built pages. */
const SITE_FOLDER = fileURLToPath(new URL('../web/dist', import.meta.url));

/** How long streams that were cut off by the drain's deadline get to send their error. */
const LAST_WORDS_MS = 2_000;

export async function createGateway({
  config,
  bearer,
  demo,
  log,
}: GatewayOptions): Promise<Gateway> {
  const clock = systemClock;
  const begunAt = clock.elapsed();
  const deadlines = createDeadlines(clock);
  const names = { aliases: Object.keys(config.models), upstreams: Object.keys(config.upstreams) };
  const metrics = createMetrics(names);
  const history = createHistory({ ...names, elapsed: clock.elapsed });
  const traces = await openTraces(config.traces, {
    version: packageJson.version,
    aliases: names.aliases,
    clock,
    deadlines,
    onExported: (count) => probe.spansExported(count),
    onDropped: (count, reason) => probe.spansDropped(count, reason),
    onChange: (problem) => probe.collectorChanged(problem),
  });
  const probe = createProbe({ logger: log.logger, metrics, clock, history, traces });
  const store = await openStore(config, probe);
  const aliases = Object.keys(config.models).map((name) => aliasOf(name, config));
  const breaker = breakerFor(aliases, {
    clock,
    onChange: (change) => probe.circuitChanged(change),
  });
  const health = watchHealth({
    ...probing(config),
    clock,
    onChange: (changed) => probe.upstreamChanged(changed),
    onProbe: ({ name, healthy }) => breaker.probed(name, healthy === true),
  });
  const storeWatch = watchStore({ store, intervalMs: config.health.probe_interval_ms, clock });
  const catalog = createCatalog(aliases);
  const plain = withholdCredentials(createProvider(createUpstreamClient({ deadlines }), clock));
  const provider = traces
    ? traceCalls(plain, { elapsed: clock.elapsed, onCall: (call) => probe.callFinished(call) })
    : plain;
  const router = createRouter(
    {
      aliases,
      slotLimits: slotLimits(config),
      retries: config.routing.retries,
      retryWaitMs: config.routing.retry_wait_ms,
    },
    {
      provider,
      health,
      breaker,
      clock,
      deadlines,
      random: Math.random,
      onFailedAttempt: (failed) => probe.attemptFailed(failed),
    },
  );
  const turns = createTurns(
    { store, router, clock, deadlines, probe },
    {
      affinityMs: config.routing.affinity_ms,
      orphanMs: config.turns.orphan_ms,
      titles: config.turns.titles,
      cacheSalt: config.turns.cache_salt,
    },
  );
  const collector = collectEvents({ store, keepMs: config.turns.keep_events_ms, clock, probe });
  const authenticate = createAuthenticate([bearer]);
  const { rate_per_second, burst, max_body_bytes } = config.limits;
  const rateLimit = createRateLimit({ perSecond: rate_per_second, burst, clock });
  let draining = false;

  const app = createApp({
    admit: (exchange) => admit(exchange, authenticate, rateLimit),
    isOpenTo: (exchange) => isOpen(config.metrics.access, exchange),
    catalog,
    health,
    router,
    probe,
    gatewayState: () => ({
      openRequests: http.openExchanges(),
      openTurns: turns.openTurns(),
      storeOk: storeWatch.status().ok,
      upstreams: health.all(),
    }),
    store,
    turns,
    clock,
    deadlines,
    demo,
    site: openSite(SITE_FOLDER),
    history,
    loopLag: watchLoopLag(),
    now: clock.now,
    uptimeMs: () => clock.elapsed() - begunAt,
    heartbeatMs: config.streams.heartbeat_ms,
    maxBodyBytes: max_body_bytes,
    version: packageJson.version,
    configHash: configHash(config),
    startedAt: Math.floor(clock.now() / 1000),
    isLocal: isLoopback,
    isDraining: () => draining,
    storeStatus: storeWatch.status,
  });
  const http = createHttpServer({
    app,
    clock,
    probe,
    traceOf: traces?.traceOf,
    isDraining: () => draining,
  });
  await Promise.all([health.probeAll(), storeWatch.probe()]);

  const idle = () => Promise.all([http.whenIdle(), turns.whenIdle()]);
  return {
    probe,
    fetch: http.fetch,
    openWork: () => http.openExchanges() + turns.openTurns(),
    async drain(drainMs) {
      draining = true;
      if (await settlesWithin(idle(), drainMs)) return;
      const reason = new GatewayError('shutting_down', {
        message:
          'The gateway is stopping and could not wait for the rest of this answer. Send the request again.',
      });
      turns.cancelAll(reason);
      http.abortAll(reason);
      await settlesWithin(idle(), LAST_WORDS_MS);
    },
    async close() {
      health.close();
      storeWatch.close();
      collector.close();
      turns.close();
      await Promise.all([store.close(), traces?.close()]);
    },
  };
}

export interface ProbedUpstream extends UpstreamHealth {
  /** Whether any HTTP reply came, whatever it said. */
  readonly reachable: boolean;
}

/** One probe of each upstream, the same that a running gateway makes again and again. */
export async function probeUpstreams(config: Config): Promise<ProbedUpstream[]> {
  const answered = new Set<string>();
  const health = watchHealth({
    ...probing(config),
    clock: systemClock,
    onProbe: ({ name }, reachable) => void (reachable && answered.add(name)),
  });
  await health.probeAll();
  health.close();
  return health.all().map((seen) => ({ ...seen, reachable: answered.has(seen.name) }));
}

function probing({ upstreams, health }: Config) {
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

/** A store that cannot be opened takes /c1 down, never /v1: its error is what every conversation route answers. */
async function openStore({ storage }: Config, probe: Probe): Promise<ConversationStore> {
  try {
    const path = storage.url.replace(/^sqlite:/, '');
    const store = await openSqliteStore({ path, durability: storage.durability });
    probe.turnsRecovered(await store.recover(systemClock.now()));
    return store;
  } catch (error) {
    probe.backgroundFailed('opening the conversation store', error);
    return unavailableStore(error);
  }
}

function aliasOf(name: string, { models, upstreams }: Config): Alias {
  const model = models[name];
  if (!model) throw new TypeError(`no model ${name}`);
  const targets = model.targets.map((target, index): Target => {
    const upstream = upstreams[target.upstream];
    if (!upstream) throw new TypeError(`no upstream ${target.upstream}`);
    return {
      upstream: target.upstream,
      kind: upstream.kind,
      baseUrl: upstream.base_url,
      headers: headersFor(upstream),
      model: target.model,
      // A rank of its own for everyone but replicas, who share theirs.
      rank: target.replica_group === undefined ? index : -1 - target.replica_group,
      weight: target.weight ?? 1,
      timeouts: timeoutsFor(upstream, model),
      ...(upstream.reasoning_history === undefined
        ? {}
        : { reasoningHistory: upstream.reasoning_history }),
      ...(model.capabilities.image_generation ? { outputModalities: model.modalities.output } : {}),
      ...(isNativeOllama(upstream) ? { ollama: ollamaSettings(upstream, target) } : {}),
    };
  });
  return {
    name,
    family: model.family,
    license: model.license,
    contextWindow: model.context_window,
    modalities: model.modalities,
    capabilities: model.capabilities,
    minMaxTokens: model.min_max_tokens ?? null,
    typicalResponseSeconds: model.typical_response_seconds ?? null,
    hedgeMs: model.hedge_ms ?? null,
    targets,
  };
}

function ollamaSettings(
  { keep_alive }: Config['upstreams'][string],
  { num_ctx }: Config['models'][string]['targets'][number],
): OllamaSettings {
  return {
    ...(num_ctx === undefined ? {} : { numCtx: num_ctx }),
    ...(keep_alive === undefined ? {} : { keepAlive: keep_alive }),
  };
}

function slotLimits({ upstreams }: Config): Map<string, SlotLimits> {
  return new Map(
    Object.entries(upstreams).map(([name, upstream]) => [
      name,
      {
        maxConcurrent: upstream.max_concurrent ?? null,
        maxQueued: upstream.max_queued,
        queueMs: upstream.queue_ms,
      },
    ]),
  );
}

function isLoopback(baseUrl: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(baseUrl).hostname);
}

function isOpen(access: Config['metrics']['access'], exchange: Exchange): boolean {
  return access === 'public' || (access === 'loopback' && isMadeHere(exchange));
}

async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
