// Opens a reply: asks the candidates one after another until one commits itself with a visible token, and makes sure
// that nobody else speaks after that. With hedging, a second target is asked when the first stays silent.
import type { Deadline } from '../domain/deadlines.ts';
import { GatewayError } from '../domain/errors.ts';
import { stopperWithin, type Stop, type Stopper } from '../domain/stop.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { ChatCall, ChatReply, Provider, Target } from '../providers/provider.ts';
import { candidates, freeTarget, type CandidatesDeps, type Search } from './candidates.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { readToCommit, resumed, type Batches } from './commit.ts';
import { exhaustedError } from './exhausted.ts';
import type { Plan } from './plan.ts';
import { verdictOn } from './retry.ts';

export interface OpenRequest {
  readonly plan: Plan;
  readonly stream: boolean;
  /** How many answers were asked for; absent for one. */
  readonly choices?: number | undefined;
  readonly requestId: string;
  /** Whose work it is; absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
  /** After so many silent milliseconds a second target is asked as well; null for never. */
  readonly hedgeMs: number | null;
  /** The body for a target: the same request with that target's model in it. */
  bodyFor(target: Target): Pick<ChatCall, 'body' | 'bytes'>;
  /** Told of each target before it is asked. */
  onAttempt(target: Target): void;
  /** Told of the target whose reply is taken. */
  onAnswer(target: Target): void;
}

export interface OpenedReply {
  readonly target: Target;
  readonly reply: ChatReply;
}

export interface FailedAttempt {
  readonly requestId: string;
  readonly target: Target;
  /** Counts from 1 per request. */
  readonly attempt: number;
  readonly error: GatewayError;
  readonly durationMs: number;
  /** False for a failure after the first visible token: nobody else can answer then. */
  readonly beforeCommit: boolean;
}

export interface OpenDeps extends CandidatesDeps {
  readonly provider: Provider;
  readonly breaker: CircuitBreaker;
  /** Monotonic milliseconds. */
  elapsed(): number;
  /** Tokens that fit into a target's window, where it is known. */
  contextOf(target: Target): number | null;
  onFailedAttempt(failed: FailedAttempt): void;
}

/** One request on its way through the targets. */
interface Opening extends Search {
  readonly request: OpenRequest;
  readonly deps: OpenDeps;
  readonly signal: Stop;
  attempts: number;
}

type Attempt = OpenedReply | 'failed';

/** Resolves with the reply of the first target that commits itself. Rejects with a GatewayError, or `signal`'s reason. */
export async function openReply(
  request: OpenRequest,
  deps: OpenDeps,
  signal: Stop,
): Promise<OpenedReply> {
  const { plan } = request;
  const opening: Opening = { request, deps, signal, plan, failures: [], asked: [], attempts: 0 };
  deps.budget.earn();
  // Nearly always the first free target answers, and then the search costs nothing.
  const free = freeTarget(opening, deps);
  const first = free ? await attempted(free, opening) : 'failed';
  if (first !== 'failed') return answeredBy(first, request);
  for await (const target of candidates(opening, deps, signal)) {
    const attempt = await attempted(target, opening);
    if (attempt !== 'failed') return answeredBy(attempt, request);
  }
  throw exhaustedError(opening.failures);
}

function answeredBy(reply: OpenedReply, request: OpenRequest): OpenedReply {
  request.onAnswer(reply.target);
  return reply;
}

function attempted(target: Target, opening: Opening): Promise<Attempt> {
  const { request, signal, plan } = opening;
  return request.hedgeMs === null || plan.length === 1
    ? ask(target, opening, signal)
    : askHedged(target, request.hedgeMs, opening);
}

/** One target that is being asked. */
interface Asking {
  readonly target: Target;
  readonly opening: Opening;
  /** Its own where two are asked at once. */
  readonly signal: Stop;
  readonly attempt: number;
  readonly startedAt: number;
}

/**
 * Asks one target, whose slot is taken, up to the commit point. Rejects when nobody else should be asked: the client
 * has left, or the request itself is at fault.
 */
async function ask(target: Target, opening: Opening, signal: Stop): Promise<Attempt> {
  const { request, deps } = opening;
  const startedAt = deps.elapsed();
  opening.asked.push(target);
  deps.breaker.asked(target);
  request.onAttempt(target);
  const asking: Asking = { target, opening, signal, attempt: ++opening.attempts, startedAt };
  try {
    const reply = await deps.provider.ask(target, callFor(target, request), signal);
    const committed = reply.kind === 'stream' ? await committedStream(reply.events, asking) : reply;
    if (reply.kind === 'json') freeSlot(asking);
    deps.breaker.answered(target);
    return { target, reply: committed };
  } catch (error) {
    freeSlot(asking);
    noteFailure(asking, error, true);
    return failedOrThrown(error, asking);
  }
}

function freeSlot({ target, opening }: Asking): void {
  opening.deps.slotsOf(target.upstream).free();
}

function noteFailure(asking: Asking, error: unknown, beforeCommit: boolean): void {
  const { target, opening, signal, attempt, startedAt } = asking;
  const { deps, request } = opening;
  const { breaker } = deps;
  if (signal.aborted || !(error instanceof GatewayError)) {
    breaker.abandoned(target);
    return;
  }
  breaker.failed(target, error);
  const durationMs = deps.elapsed() - startedAt;
  const { requestId } = request;
  deps.onFailedAttempt({ requestId, target, attempt, error, durationMs, beforeCommit });
}

function callFor(target: Target, request: OpenRequest): ChatCall {
  const { body, bytes } = request.bodyFor(target);
  const { stream, requestId, choices, trace } = request;
  return { body, bytes, stream, requestId, choices, trace };
}

async function committedStream(events: Batches, asking: Asking): Promise<ChatReply> {
  const held = await readToCommit(events);
  const watch = {
    onFailure: (error: unknown) => noteFailure(asking, error, false),
    onEnd: () => freeSlot(asking),
  };
  return { kind: 'stream', events: resumed(held, events, watch) };
}

function failedOrThrown(error: unknown, { target, opening, signal }: Asking): 'failed' {
  if (opening.signal.aborted) throw opening.signal.reason;
  // Another target was faster: what became of this one is of no interest.
  if (signal.aborted) return 'failed';
  if (!(error instanceof GatewayError)) throw error;
  if (verdictOn(error) === 'final' && !fitsElsewhere(error, target, opening)) throw error;
  opening.failures.push({ target, error });
  return 'failed';
}

/** A prompt that is too long for this target is nobody's fault where another one takes more. */
function fitsElsewhere({ code }: GatewayError, target: Target, { asked, plan, deps }: Opening) {
  if (code !== 'context_length_exceeded') return false;
  const room = deps.contextOf(target);
  return plan.some(
    (other) => !asked.includes(other) && room !== null && (deps.contextOf(other) ?? 0) > room,
  );
}

/** Asks a target and, if it is silent for `hedgeMs`, the next free one as well; whoever commits first is taken. */
async function askHedged(target: Target, hedgeMs: number, opening: Opening): Promise<Attempt> {
  const begin = (asked: Target): Runner => {
    const stopper = stopperWithin(opening.signal);
    return { stopper, attempt: ask(asked, opening, stopper) };
  };
  const first = begin(target);
  const early = await beforeSilence(first.attempt, hedgeMs, opening.deps);
  if (early !== 'silent') return early;
  const partner = freeTarget(opening, opening.deps);
  if (!partner) return await first.attempt;
  const second = begin(partner);
  try {
    return await firstToAnswer(first, second);
  } catch (error) {
    first.stopper.stop(LOST_THE_RACE);
    second.stopper.stop(LOST_THE_RACE);
    throw error;
  }
}

interface Runner {
  readonly stopper: Stopper;
  readonly attempt: Promise<Attempt>;
}

const LOST_THE_RACE = new Error('another target answered first');

async function beforeSilence(
  attempt: Promise<Attempt>,
  ms: number,
  { deadlines }: OpenDeps,
): Promise<Attempt | 'silent'> {
  let deadline: Deadline | undefined;
  const silence = new Promise<'silent'>((resolve) => {
    deadline = deadlines.arm(ms, () => resolve('silent'));
  });
  try {
    return await Promise.race([attempt, silence]);
  } finally {
    deadline?.disarm();
  }
}

/** The reply of the one who answers first; the other is stopped. A rejection of either ends the race. */
async function firstToAnswer(one: Runner, other: Runner): Promise<Attempt> {
  const tagged = (runner: Runner, rival: Runner) =>
    runner.attempt.then((attempt) => ({ attempt, rival }));
  const [faster, slower] = [tagged(one, other), tagged(other, one)];
  const { attempt, rival } = await Promise.race([faster, slower]);
  if (attempt === 'failed') return await rival.attempt;
  stop(rival);
  return attempt;
}

/** A rival may have committed itself at the same moment: nobody will read its stream, so it is closed. */
function stop({ stopper, attempt }: Runner): void {
  stopper.stop(LOST_THE_RACE);
  attempt
    .then((late) => {
      if (late !== 'failed' && late.reply.kind === 'stream') return late.reply.events.return();
      return undefined;
    })
    // It was stopped, and that is all that its error can say.
    .catch(() => undefined);
}
