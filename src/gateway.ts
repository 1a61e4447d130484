// The composition root: from a configuration to the wired parts. Nothing below this file and assembly/ knows the
// configuration, and nothing above them knows the parts. What lasts is made here; what follows from the
// configuration is a snapshot, and a reload puts another in its place.
import { fileURLToPath } from 'node:url';
import { collectEvents } from './chat/collect-events.ts';
import { createTurns } from './chat/turns.ts';
import type { Config } from './config/schema.ts';
import { unavailableStore } from './conversations/unavailable-store.ts';
import type { ConversationStore } from './conversations/store.ts';
import { watchStore } from './conversations/watch-store.ts';
import { systemClock } from './domain/clock.ts';
import { createDeadlines } from './domain/deadlines.ts';
import { GatewayError } from './domain/errors.ts';
import { admissionLimits, createSnapshot } from './assembly/snapshot.ts';
import type { Lasting, Settings, Snapshot } from './assembly/snapshot.ts';
import { watchedUpstreams } from './assembly/upstreams.ts';
import { createAdmission } from './http/admission.ts';
import { openSite } from './http/site/pages.ts';
import { watchDescriptors, type DescriptorWatch } from './http/descriptors.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import { watchLag } from './observe/loop-lag.ts';
import { createMetrics } from './observe/metrics.ts';
import { createProbe, type Probe } from './observe/probe.ts';
import { watchQuiet } from './observe/quiet.ts';
import { createHistory } from './observe/history.ts';
import type { Log } from './observe/log.ts';
import { openTraces } from './observe/open-traces.ts';
import { createProvider } from './providers/by-kind.ts';
import { withholdCredentials } from './providers/withhold-credentials.ts';
import { createUpstreamClient } from './providers/upstream.ts';
import { createCircuitBreaker } from './routing/circuit-breaker.ts';
import { watchHealth } from './routing/health.ts';
import { createRetryBudget } from './routing/retry.ts';
import { traceCalls } from './routing/trace-calls.ts';
import { openSqliteStore } from './storage/sqlite.ts';
import packageJson from '../package.json' with { type: 'json' };

export interface GatewayOptions extends Settings {
  readonly log: Log;
}

export interface Gateway {
  readonly probe: Probe;
  readonly descriptors: Pick<DescriptorWatch, 'whileScarce'>;
  /** What is served: see http/listen. */
  readonly answer: HttpServer['answer'];
  /** Answers new requests by these settings, once new upstreams have been probed; running ones end as they began. */
  reload(settings: Settings): Promise<void>;
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

export async function createGateway({ log, ...settings }: GatewayOptions): Promise<Gateway> {
  const { config } = settings;
  const clock = systemClock;
  const begunAt = clock.elapsed();
  const deadlines = createDeadlines(clock);
  const metrics = createMetrics(namesIn(config));
  const history = createHistory({ ...namesIn(config), elapsed: clock.elapsed });
  const traces = await openTraces(config.traces, {
    version: packageJson.version,
    isServed: (alias) => Object.hasOwn(current.settings.config.models, alias),
    clock,
    deadlines,
    onExported: (count) => probe.spansExported(count),
    onDropped: (count, reason) => probe.spansDropped(count, reason),
    onChange: (problem) => probe.collectorChanged(problem),
  });
  const probe = createProbe({ logger: log.logger, metrics, clock, history, traces });
  const store = await openStore(config, probe);
  const breaker = createCircuitBreaker({
    clock,
    onChange: (change) => probe.circuitChanged(change),
  });
  const health = watchHealth({
    clock,
    onChange: (changed) => probe.upstreamChanged(changed),
    onProbe: ({ name, healthy }) => breaker.probed(name, healthy === true),
  });
  const storeWatch = watchStore({ store, intervalMs: config.health.probe_interval_ms, clock });
  const plain = withholdCredentials(createProvider(createUpstreamClient({ deadlines }), clock));
  const provider = traces
    ? traceCalls(plain, { elapsed: clock.elapsed, onCall: (call) => probe.callFinished(call) })
    : plain;
  const turns = createTurns({ store, clock, deadlines, probe });
  const keepMs = () => current.settings.config.turns.keep_events_ms;
  const collector = collectEvents({ store, keepMs, clock, probe });
  const lag = watchLag({ clock, onBlocked: (ms) => probe.loopBlocked(ms) });
  const descriptors = watchDescriptors((limit) => probe.descriptorsScarce(limit));
  const admission = createAdmission(admissionLimits(config), {
    // A turn without a client is work, too; with one, the two are one.
    inFlight: () => Math.max(http.openExchanges(), turns.openTurns()),
    lagMs: lag.standing,
    areDescriptorsScarce: descriptors.areScarce,
    random: Math.random,
    onShed: (reason) => probe.requestShed(reason),
  });
  let draining = false;

  const lasting: Lasting = {
    clock,
    deadlines,
    probe,
    store,
    storeStatus: storeWatch.status,
    provider,
    health,
    breaker,
    budget: createRetryBudget(),
    turns,
    admission,
    site: openSite(SITE_FOLDER),
    history,
    startedAt: Math.floor(clock.now() / 1000),
    uptimeMs: () => clock.elapsed() - begunAt,
    isDraining: () => draining,
    gatewayState: () => ({
      openRequests: http.openExchanges(),
      openTurns: turns.openTurns(),
      heldBytes: admission.heldBytes(),
      lagMs: lag.standing(),
      droppedLogLines: log.dropped(),
      storeOk: storeWatch.status().ok,
      upstreams: health.all(),
    }),
  };
  let current: Snapshot = createSnapshot(settings, lasting);
  const http = createHttpServer({
    app: () => current.app,
    clock,
    probe,
    admission,
    traceOf: traces?.traceOf,
    isDraining: () => draining,
  });
  const quiet = watchQuiet({
    clock,
    lastAskedAt: http.lastAskedAt,
    isBusy: () => http.openExchanges() + turns.openTurns() > 0,
    onQuiet() {
      turns.rest();
      store.rest().catch((error: unknown) => probe.backgroundFailed('giving memory back', error));
      Bun.shrink();
    },
  });
  health.watch(watchedUpstreams(config));
  await Promise.all([health.probeNew(), storeWatch.probe()]);

  const idle = () => Promise.all([http.whenIdle(), turns.whenIdle()]);
  return {
    probe,
    descriptors,
    answer: http.answer,
    async reload(next) {
      metrics.know(namesIn(next.config));
      history.know(namesIn(next.config));
      health.watch(watchedUpstreams(next.config));
      await health.probeNew();
      current = createSnapshot(next, lasting, current);
      admission.limit(admissionLimits(next.config));
      storeWatch.every(next.config.health.probe_interval_ms);
      log.logger.level = next.config.log.level;
    },
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
      lag.close();
      quiet.close();
      descriptors.close();
      turns.close();
      await Promise.all([store.close(), traces?.close()]);
    },
  };
}

function namesIn({ models, upstreams }: Config) {
  return { aliases: Object.keys(models), upstreams: Object.keys(upstreams) };
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
