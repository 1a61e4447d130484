// All that depends on the configuration, made of one of them and never changed: a request is answered by the snapshot
// that it found, to its end. A reload makes the next one, and what outlives both is handed on by gateway.ts.
import { createAuthenticate } from '../access/credentials.ts';
import { createRateLimit, type RateLimit } from '../access/rate-limit.ts';
import type { Turns } from '../chat/turns.ts';
import type { Config } from '../config/schema.ts';
import { configHash } from '../config/secrets.ts';
import type { ConversationStore } from '../conversations/store.ts';
import type { StoreWatch } from '../conversations/watch-store.ts';
import type { Clock } from '../domain/clock.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import { createApp } from '../http/app.ts';
import type { Admission, AdmissionLimits } from '../http/admission.ts';
import { identify, isMadeHere } from '../http/gates.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Site } from '../http/site/pages.ts';
import type { History } from '../observe/history.ts';
import type { GatewayState } from '../observe/metrics.ts';
import type { Probe } from '../observe/probe.ts';
import type { Provider } from '../providers/provider.ts';
import { createCatalog } from '../routing/catalog.ts';
import type { CircuitBreaker } from '../routing/circuit-breaker.ts';
import type { Health } from '../routing/health.ts';
import type { RetryBudget } from '../routing/retry.ts';
import { createRouter } from '../routing/router.ts';
import { aliasesOf } from './aliases.ts';
import { slotsFor, type SlotsByUpstream } from './upstreams.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** What a configuration is made into a snapshot of. */
export interface Settings {
  readonly config: Config;
  /** The token that clients must send. */
  readonly bearer: string;
  /** True when the configuration's only upstream is the built-in demo engine. */
  readonly demo: boolean;
}

/** What lasts from the start of the process to its end. */
export interface Lasting {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly probe: Probe;
  readonly store: ConversationStore;
  readonly storeStatus: StoreWatch['status'];
  readonly provider: Provider;
  readonly health: Health;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
  readonly turns: Turns;
  readonly admission: Admission;
  readonly site: Site;
  readonly history: History;
  /** Unix seconds. */
  readonly startedAt: number;
  uptimeMs(): number;
  isDraining(): boolean;
  gatewayState(): GatewayState;
}

export interface Snapshot {
  readonly settings: Settings;
  readonly app: ReturnType<typeof createApp>;
  readonly slots: SlotsByUpstream;
  readonly rateLimit: RateLimit;
}

/** `before` is the snapshot that this one follows: limits that stay the same keep what they have counted. */
export function createSnapshot(settings: Settings, lasting: Lasting, before?: Snapshot): Snapshot {
  const { config, bearer, demo } = settings;
  const { clock, deadlines, probe, breaker, health } = lasting;
  const aliases = aliasesOf(config);
  breaker.retarget(aliases.flatMap(({ targets }) => targets));
  const slots = slotsFor(config, before?.slots ?? new Map(), deadlines);
  const router = createRouter(
    {
      slots: new Map([...slots].map(([upstream, kept]) => [upstream, kept.slots])),
      retries: config.routing.retries,
      retryWaitMs: config.routing.retry_wait_ms,
    },
    {
      provider: lasting.provider,
      health,
      breaker,
      budget: lasting.budget,
      clock,
      deadlines,
      random: Math.random,
      onFailedAttempt: (failed) => probe.attemptFailed(failed),
    },
  );
  const authenticate = createAuthenticate([bearer]);
  const rateLimit = rateLimitFor(config, clock, before);
  const app = createApp({
    ...lasting,
    identify: (exchange) => identify(exchange, authenticate, rateLimit),
    isOpenTo: (exchange) => isOpen(config.metrics.access, exchange),
    catalog: createCatalog(aliases),
    router,
    turnOptions: {
      affinityMs: config.routing.affinity_ms,
      orphanMs: config.turns.orphan_ms,
      titles: config.turns.titles,
      cacheSalt: config.turns.cache_salt,
    },
    demo,
    heartbeatMs: config.streams.heartbeat_ms,
    stallMs: config.streams.stall_ms,
    maxBodyBytes: config.limits.max_body_bytes,
    version: packageJson.version,
    configHash: configHash(config),
    isLocal: isLoopback,
  });
  return { settings, app, slots, rateLimit };
}

export function admissionLimits({ limits }: Config): AdmissionLimits {
  return {
    maxInFlight: limits.max_in_flight,
    maxHeldBytes: limits.max_held_bytes,
    maxLagMs: limits.max_lag_ms,
  };
}

function rateLimitFor({ limits }: Config, clock: Clock, before?: Snapshot): RateLimit {
  const { rate_per_second: perSecond, burst } = limits;
  const old = before?.settings.config.limits;
  if (before && old?.rate_per_second === perSecond && old.burst === burst) return before.rateLimit;
  return createRateLimit({ perSecond, burst, clock });
}

function isLoopback(baseUrl: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(baseUrl).hostname);
}

function isOpen(access: Config['metrics']['access'], exchange: Exchange): boolean {
  return access === 'public' || (access === 'loopback' && isMadeHere(exchange));
}
