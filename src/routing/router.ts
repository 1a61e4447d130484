// Who answers a request: the plan of its targets, the circuits and slots that decide whom to ask when, and the way to
// the first of them that answers.
import type { Clock } from '../domain/clock.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import type { Stop } from '../domain/stop.ts';
import type { Provider, Target } from '../providers/provider.ts';
import type { Alias } from './catalog.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Health } from './health.ts';
import {
  openReply,
  type FailedAttempt,
  type OpenDeps,
  type OpenedReply,
  type OpenRequest,
} from './open.ts';
import { planTargets, type Plan, type Preference } from './plan.ts';
import type { RetryBudget } from './retry.ts';
import type { Slots } from './slots.ts';

export interface TargetStatus {
  readonly circuit: 'closed' | 'open' | 'half_open';
  /** Requests of all aliases that run, and that wait, at the target's upstream. */
  readonly running: number;
  readonly waiting: number;
}

export interface Router {
  /** Whom to ask, in order. Throws `invalid_field` for a provider that does not serve the alias. */
  plan(alias: Alias, preference: Preference): Plan;
  /** Resolves with the reply of the first target that commits itself. Rejects with a GatewayError, or `signal`'s reason. */
  open(request: OpenRequest, signal: Stop): Promise<OpenedReply>;
  /** Tokens that a target takes, as its upstream says; null where it does not. */
  contextOf(target: Target): number | null;
  statusOf(target: Target): TargetStatus;
}

export interface RouterOptions {
  /** By upstream, with the limits of each. */
  readonly slots: ReadonlyMap<string, Slots>;
  readonly retries: number;
  readonly retryWaitMs: number;
}

export interface RouterDeps {
  readonly provider: Provider;
  readonly health: Pick<Health, 'of' | 'contextOf'>;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  random(): number;
  onFailedAttempt(failed: FailedAttempt): void;
}

export function createRouter(options: RouterOptions, deps: RouterDeps): Router {
  const { health, breaker, clock, deadlines } = deps;
  const slotsOf = (upstream: string): Slots => {
    const found = options.slots.get(upstream);
    if (!found) throw new TypeError(`no upstream ${upstream}`);
    return found;
  };
  // What an Ollama is told to load a model for is what it has.
  const contextOf = ({ ollama, upstream, model }: Target) =>
    ollama?.numCtx ?? health.contextOf(upstream, model);
  const planDeps = {
    isInTrouble: (target: Target) =>
      health.of(target.upstream)?.healthy === false || !breaker.admits(target),
    loadOf: (upstream: string) => slotsOf(upstream).running(),
  };
  const openDeps: OpenDeps = {
    provider: deps.provider,
    breaker,
    slotsOf,
    deadlines,
    contextOf,
    budget: deps.budget,
    random: deps.random,
    elapsed: () => clock.elapsed(),
    retries: options.retries,
    retryWaitMs: options.retryWaitMs,
    onFailedAttempt: deps.onFailedAttempt,
  };
  return {
    plan: (alias, preference) => planTargets(alias, preference, planDeps),
    open: (request, signal) => openReply(request, openDeps, signal),
    contextOf,
    statusOf: (target) => ({
      circuit: breaker.stateOf(target),
      running: slotsOf(target.upstream).running(),
      waiting: slotsOf(target.upstream).waiting(),
    }),
  };
}
