// Whom to ask next, one after another, until somebody answers: the plan's targets as they are, then a place in a
// queue, then those whose circuit is open, then one of those that failed, once more. Each comes with a slot taken.
import type { Deadlines } from '../domain/deadlines.ts';
import { waitFor } from '../domain/deadlines.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Stop } from '../domain/stop.ts';
import type { Target } from '../providers/provider.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Failure } from './exhausted.ts';
import { retryPause, verdictOn, type RetryBudget } from './retry.ts';
import type { Slots } from './slots.ts';

export interface CandidatesDeps {
  readonly breaker: Pick<CircuitBreaker, 'admits'>;
  slotsOf(upstream: string): Slots;
  readonly budget: RetryBudget;
  readonly deadlines: Deadlines;
  random(): number;
  /** How often a target may be asked again in one request. */
  readonly retries: number;
  /** The longest pause before that, in milliseconds. */
  readonly retryWaitMs: number;
}

export interface Search {
  readonly plan: readonly Target[];
  /** What has failed so far; the one who asks adds to it, and so does a queue that is full. */
  readonly failures: Failure[];
  /** Targets that are not to be offered (any more): those that were asked already. */
  readonly asked: Target[];
}

/** Ends when there is nobody left to ask. Rejects with `signal`'s reason. */
export async function* candidates(
  search: Search,
  deps: CandidatesDeps,
  signal: Stop,
): AsyncGenerator<Target, void> {
  let free = freeTarget(search, deps);
  for (; free; free = freeTarget(search, deps)) yield free;
  // Nobody with room has answered: so somebody has to be waited for.
  yield* queuedFor(({ breaker }, target) => breaker.admits(target), { search, deps, signal });
  // A request is not refused on suspicion: whoever is left may have recovered since.
  yield* queuedFor(() => true, { search, deps, signal });
  yield* onceMore(search, deps, signal);
}

/** The first of the targets that may be asked at once. */
export function freeTarget({ plan, asked }: Search, deps: CandidatesDeps): Target | undefined {
  for (const target of plan) {
    if (asked.includes(target) || !deps.breaker.admits(target)) continue;
    if (deps.slotsOf(target.upstream).take()) return target;
  }
  return undefined;
}

async function* queuedFor(
  mayBeAsked: (deps: CandidatesDeps, target: Target) => boolean,
  { search, deps, signal }: { search: Search; deps: CandidatesDeps; signal: Stop },
): AsyncGenerator<Target, void> {
  for (const target of search.plan) {
    if (search.asked.includes(target) || !mayBeAsked(deps, target)) continue;
    try {
      await deps.slotsOf(target.upstream).wait(signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof GatewayError)) throw error;
      // Its queue is full, or did not move: it was as good as asked.
      search.asked.push(target);
      search.failures.push({ target, error });
      continue;
    }
    yield target;
  }
}

async function* onceMore(
  search: Search,
  deps: CandidatesDeps,
  signal: Stop,
): AsyncGenerator<Target, void> {
  for (let tries = 1; tries <= deps.retries; tries++) {
    const next = soonestRetry(search, tries, deps);
    if (!next || !deps.budget.spend()) return;
    await waitFor(next.pauseMs, deps.deadlines, signal);
    if (!deps.slotsOf(next.target.upstream).take()) return;
    yield next.target;
  }
}

/** Whom another try may cure, and after what pause: one whose circuit is closed, then who wants the shortest. */
function soonestRetry({ plan, failures }: Search, tries: number, deps: CandidatesDeps) {
  return plan
    .flatMap((target) => {
      const last = failures.findLast((failure) => failure.target === target);
      if (!last || verdictOn(last.error) !== 'retry') return [];
      const { retryWaitMs: mostMs, random } = deps;
      const pauseMs = retryPause(last.error, { tries, mostMs, random });
      return pauseMs === null ? [] : [{ target, pauseMs, isAdmitted: deps.breaker.admits(target) }];
    })
    .toSorted((a, b) => Number(b.isAdmitted) - Number(a.isAdmitted) || a.pauseMs - b.pauseMs)[0];
}
