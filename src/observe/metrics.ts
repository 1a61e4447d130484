// The gateway's metrics in Prometheus' text format. Only probe.ts feeds them. A label never takes what a client sent:
// an alias, upstream, route or method that the configuration and the code do not know is `unknown` or `other`, so that
// nobody can make series without end.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TokenCounts } from '../domain/message.ts';
import { METRICS } from './metric-definitions.ts';
import { DROP_REASONS } from './span-drops.ts';
import { ByLabels, Ends, histogramText, Spread } from './tallies.ts';
import type { RequestRecord } from './request-record.ts';
import type { FinishedTurn } from './turn-record.ts';

/** What is looked up when somebody asks for the metrics, and not kept count of. */
export interface GatewayState {
  readonly openRequests: number;
  readonly openTurns: number;
  /** Bytes of request bodies. */
  readonly heldBytes: number;
  /** By which the event loop is late, again and again. */
  readonly lagMs: number;
  readonly droppedLogLines: number;
  readonly storeOk: boolean;
  readonly upstreams: readonly {
    readonly name: string;
    readonly healthy: boolean | null;
    readonly latencyMs: number | null;
  }[];
}

export interface Metrics {
  requestFinished(record: RequestRecord, durationMs: number): void;
  turnFinished(turn: FinishedTurn): void;
  turnsRecovered(count: number): void;
  backgroundFailed(): void;
  requestShed(reason: string): void;
  loopBlocked(ms: number): void;
  descriptorsScarce(): void;
  attemptFailed(upstream: string, code: string): void;
  /** Another circuit of the upstream is not closed any more (1), or is again (-1). */
  circuitsChanged(upstream: string, by: 1 | -1): void;
  spansExported(count: number): void;
  spansDropped(count: number, reason: string): void;
  /** Further names that labels may take; those before stay, as requests with them may still run. */
  know(names: KnownNames): void;
  /** Whether the configuration was read anew, or refused. */
  reloaded(result: 'done' | 'refused'): void;
  text(state: GatewayState): Promise<string>;
}

/** The names that labels may take. */
export interface KnownNames {
  readonly aliases: readonly string[];
  readonly upstreams: readonly string[];
}

/** From a relayed byte to an image that takes minutes. */
const BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640,
];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS']);

export function createMetrics(known: KnownNames): Metrics {
  const aliases = new Set(known.aliases);
  const upstreams = new Set(known.upstreams);
  const registry = new Registry();
  const all = createInstruments(registry);

  // From the start, so that the first of each is an increase.
  for (const reason of DROP_REASONS) all.droppedSpans.inc({ reason }, 0);
  for (const result of ['done', 'refused']) all.reloads.inc({ result }, 0);

  const requests = new ByLabels(() => new Ends());
  const durations = new ByLabels(() => new Spread(BUCKETS));
  const firstBytes = new ByLabels(() => new Spread(BUCKETS));
  const tokens = new ByLabels(() => ({ count: 0 }));

  function countTokens(
    alias: string,
    upstream: string,
    { promptTokens, completionTokens, cachedTokens }: TokenCounts,
  ): void {
    if (promptTokens) tokens.of('prompt', alias, upstream).count += promptTokens;
    if (completionTokens) tokens.of('completion', alias, upstream).count += completionTokens;
    if (cachedTokens) tokens.of('cached', alias, upstream).count += cachedTokens;
  }

  /** Hands on to prom-client what was counted without it. */
  function readTallies(): void {
    all.requests.reset();
    for (const [route, alias, upstream, ends] of requests.all())
      for (const { method, status, count } of ends.all())
        all.requests.inc({ route, method, status, alias, upstream }, count);
    const counters = {
      prompt: all.promptTokens,
      completion: all.completionTokens,
      cached: all.cachedTokens,
    };
    for (const counter of Object.values(counters)) counter.reset();
    for (const [kind, alias, upstream, { count }] of tokens.all())
      if (kind in counters) counters[kind as keyof typeof counters].inc({ alias, upstream }, count);
  }

  return {
    requestFinished(record, durationMs) {
      const { route = 'other', method, errorCode, usage, askedAt, answeredAt } = record;
      const alias = nameIn(aliases, record.alias);
      const upstream = nameIn(upstreams, record.upstream);
      const status = record.clientGone ? 499 : record.status;
      requests.of(route, alias, upstream).count(METHODS.has(method) ? method : 'other', status);
      if (errorCode) all.failures.inc({ route, code: errorCode });
      durations.of(route, alias, upstream).observe(durationMs / 1000);
      if (askedAt !== undefined && answeredAt !== undefined) {
        const stream = record.stream ? 'true' : 'false';
        firstBytes.of(stream, alias, upstream).observe((answeredAt - askedAt) / 1000);
      }
      // A turn can outlast its request: its tokens are counted when it ends.
      if (usage && record.turnId === undefined) countTokens(alias, upstream, usage);
    },
    turnFinished(turn) {
      const { status, cachedTokens, expectedCachedTokens } = turn;
      const names = {
        alias: nameIn(aliases, turn.alias),
        upstream: nameIn(upstreams, turn.upstream),
      };
      all.turns.inc({ status, ...names });
      countTokens(names.alias, names.upstream, turn);
      if (cachedTokens !== null && expectedCachedTokens !== null && expectedCachedTokens > 0) {
        all.expectedCachedTokens.inc(names, expectedCachedTokens);
        all.foundCachedTokens.inc(names, Math.min(cachedTokens, expectedCachedTokens));
      }
      if (turn.prefixBreak) all.prefixBreaks.inc({ reason: turn.prefixBreak, ...names });
      if (turn.ttftMs !== null) all.turnFirstToken.observe(names, turn.ttftMs / 1000);
    },
    turnsRecovered: (count) => all.recoveredTurns.inc(count),
    backgroundFailed: () => all.backgroundFailures.inc(),
    requestShed: (reason) => all.shed.inc({ reason }),
    descriptorsScarce: () => all.descriptorShortages.inc(),
    loopBlocked(ms) {
      all.loopBlocks.inc();
      all.loopBlocked.inc(ms / 1000);
    },
    attemptFailed: (upstream, code) =>
      all.failedAttempts.inc({ upstream: nameIn(upstreams, upstream), code }),
    circuitsChanged: (upstream, by) =>
      all.circuits.inc({ upstream: nameIn(upstreams, upstream) }, by),
    spansExported: (count) => all.exportedSpans.inc(count),
    spansDropped: (count, reason) => all.droppedSpans.inc({ reason }, count),
    know(names) {
      for (const alias of names.aliases) aliases.add(alias);
      for (const upstream of names.upstreams) upstreams.add(upstream);
    },
    reloaded: (result) => all.reloads.inc({ result }),
    async text(state) {
      all.openRequests.set(state.openRequests);
      all.openTurns.set(state.openTurns);
      all.heldBytes.set(state.heldBytes);
      all.loopLag.set(state.lagMs / 1000);
      all.droppedLines.reset();
      all.droppedLines.inc(state.droppedLogLines);
      all.storeUp.set(Number(state.storeOk));
      // An upstream that is gone is neither up nor down.
      all.upstreamUp.reset();
      all.upstreamProbe.reset();
      for (const { name, healthy, latencyMs } of state.upstreams) {
        if (healthy === null) continue;
        all.upstreamUp.set({ upstream: name }, Number(healthy));
        if (latencyMs !== null) all.upstreamProbe.set({ upstream: name }, latencyMs / 1000);
      }
      readTallies();
      const [own, process] = await Promise.all([registry.metrics(), ofProcess().metrics()]);
      const spread = [
        histogramText(METRICS.duration, durations),
        histogramText(METRICS.firstByte, firstBytes),
      ];
      return [own, ...spread, process].join('\n');
    },
  };
}

/** Empty where there is none, which is no label to Prometheus. */
function nameIn(known: ReadonlySet<string>, name: string | null | undefined): string {
  if (name === undefined || name === null) return '';
  return known.has(name) ? name : 'unknown';
}

function createInstruments(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>({ name, help, labels }: Definition<L>) =>
    new Counter({ name, help, labelNames: labels, registers });
  const gauge = <L extends string>({ name, help, labels }: Definition<L>) =>
    new Gauge({ name, help, labelNames: labels, registers });
  const histogram = <L extends string>({ name, help, labels }: Definition<L>) =>
    new Histogram({ name, help, labelNames: labels, registers, buckets: BUCKETS });
  return {
    requests: counter(METRICS.requests),
    failures: counter(METRICS.failures),
    failedAttempts: counter(METRICS.failedAttempts),
    circuits: gauge(METRICS.circuits),
    promptTokens: counter(METRICS.promptTokens),
    completionTokens: counter(METRICS.completionTokens),
    cachedTokens: counter(METRICS.cachedTokens),
    expectedCachedTokens: counter(METRICS.expectedCachedTokens),
    foundCachedTokens: counter(METRICS.foundCachedTokens),
    prefixBreaks: counter(METRICS.prefixBreaks),
    turns: counter(METRICS.turns),
    turnFirstToken: histogram(METRICS.turnFirstToken),
    recoveredTurns: counter(METRICS.recoveredTurns),
    backgroundFailures: counter(METRICS.backgroundFailures),
    exportedSpans: counter(METRICS.exportedSpans),
    droppedSpans: counter(METRICS.droppedSpans),
    openRequests: gauge(METRICS.openRequests),
    openTurns: gauge(METRICS.openTurns),
    upstreamUp: gauge(METRICS.upstreamUp),
    upstreamProbe: gauge(METRICS.upstreamProbe),
    storeUp: gauge(METRICS.storeUp),
    reloads: counter(METRICS.reloads),
    shed: counter(METRICS.shed),
    heldBytes: gauge(METRICS.heldBytes),
    loopLag: gauge(METRICS.loopLag),
    droppedLines: counter(METRICS.droppedLines),
    descriptorShortages: counter(METRICS.descriptorShortages),
    loopBlocks: counter(METRICS.loopBlocks),
    loopBlocked: counter(METRICS.loopBlocked),
  };
}

interface Definition<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
}

/** Of prom-client's own, those that mean something under Bun: its heap spaces and handles are empty there. */
const OF_PROCESS =
  /^(?:process_(?:cpu_|resident_memory|start_time|open_fds|max_fds)|nodejs_eventloop_lag_)/;

let processRegistry: Registry | undefined;

/** One for the process, however many gateways it has: it measures the event loop. */
function ofProcess(): Registry {
  if (processRegistry) return processRegistry;
  processRegistry = new Registry();
  collectDefaultMetrics({ register: processRegistry });
  for (const { name } of processRegistry.getMetricsAsArray()) {
    if (!OF_PROCESS.test(name)) processRegistry.removeSingleMetric(name);
  }
  return processRegistry;
}
