// Runs an accepted turn to its one terminal state: asks the upstream, writes each frame before anybody sees it, seals
// the answer, and only then says that it is done. It belongs to the gateway, not to a connection.
import type { ConversationStore, FinishTurn, StartTurn } from '../conversations/store.ts';
import { sealNode } from '../conversations/node.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError, toGatewayError } from '../domain/errors.ts';
import { MAX_TURN_CHARS } from '../domain/limits.ts';
import { tokenCounts } from '../domain/message.ts';
import type { ChatCall, ChatEvent, Target } from '../providers/provider.ts';
import type { Alias } from '../routing/catalog.ts';
import type { Router } from '../routing/router.ts';
import { prefixBreak } from '../prompt/prefix.ts';
import type { AcceptedTurn } from './accept-turn.ts';
import { answerNode, EMPTY_ANSWER, isVisible, withChunk, type Answer } from './answer.ts';
import { watchUsage } from './missing-usage.ts';
import { TurnCancelled, TurnFailure, type LiveTurn } from './live-turn.ts';
import { showAs, type Show } from './shown-chunk.ts';
import type { Frame } from './turn-follower.ts';
import type { TurnRequest } from './turn-request.ts';

export interface RunTurnDeps {
  readonly store: ConversationStore;
  readonly router: Pick<Router, 'open'>;
  readonly clock: Clock;
}

/** What is asked of an upstream. */
export interface TurnAsk {
  readonly request: Pick<TurnRequest, 'parameters'>;
  readonly accepted: Pick<AcceptedTurn, 'messagesFor' | 'epoch'>;
  /** null where all may share cached prefixes. */
  cacheSalt(): string | null;
}

export interface TurnRun extends TurnAsk {
  readonly request: TurnRequest;
  readonly accepted: AcceptedTurn;
  readonly alias: Alias;
  readonly live: LiveTurn;
  /** Told of each target before it is asked. */
  onAttempt(target: Target): void;
  /** Told of the target whose reply is taken. */
  onAnswerer(target: Target): void;
  /** Told of the answer when it is complete. */
  onAnswer(answer: Answer): void;
}

export interface EndedTurn {
  readonly finish: FinishTurn;
  /** Who answered; null where nobody did. */
  readonly target: Target | null;
}

/** Resolves when the turn has ended, in the store and for its followers. Rejects only if the store could not end it. */
export async function runTurn(run: TurnRun, deps: RunTurnDeps): Promise<EndedTurn> {
  const { live } = run;
  const progress = beginning(run);
  try {
    for await (const batch of await ask(run, progress, deps))
      await takeIn(batch, progress, { run, deps });
    if (progress.start) await write([], progress, { run, deps });
    await showMissingUsage(progress, { run, deps });
    const finish = completed(run, progress, deps);
    await settle(finish, run, deps.store);
    run.onAnswer(progress.answer);
    live.end({ kind: 'completed' });
    return { finish, target: progress.target };
  } catch (error) {
    return { finish: await fail(error, progress, { run, deps }), target: progress.target };
  }
}

/** Ends the turn as failed or cancelled: in the store first, so that whoever is told can go on at once. */
async function fail(
  reason: unknown,
  progress: Progress,
  { run, deps }: { run: TurnRun; deps: RunTurnDeps },
): Promise<FinishTurn> {
  const { live, request } = run;
  const cause = reason instanceof TurnCancelled ? reason.toGatewayError() : toGatewayError(reason);
  const told = cause.with({ requestId: request.requestId });
  const frame = { seq: live.nextSeq(), json: told.envelope(request.requestId) };
  const finish = endedEarly(run, progress, {
    error: reason,
    told,
    endedAt: deps.clock.now(),
  });
  try {
    // One batch of the writer. The error's frame may fail to be kept: the turn's code tells it again.
    const kept = deps.store.append([{ turnId: live.id, seq: frame.seq, payload: frame.json }]);
    const ended = deps.store.finish(finish);
    const [, end] = await Promise.allSettled([kept, ended]);
    if (end.status === 'rejected') throw end.reason;
    return finish;
  } finally {
    live.end({ kind: 'failed', failure: new TurnFailure(told, frame) });
  }
}

interface Progress {
  readonly show: Show;
  answer: Answer;
  firstVisibleAt: number | null;
  /** Of all frames so far. */
  chars: number;
  target: Target | null;
  /** Written together with the first frames: one hand-over to the writer's thread fewer before the first token. */
  start: StartTurn | null;
}

function beginning({ alias, request, accepted }: TurnRun): Progress {
  const { expectedCachedTokens } = accepted;
  const show = showAs({ alias: alias.name, usage: request.showUsage, expectedCachedTokens });
  return { show, answer: EMPTY_ANSWER, firstVisibleAt: null, chars: 0, target: null, start: null };
}

async function ask(
  run: TurnRun,
  progress: Progress,
  { router, clock }: RunTurnDeps,
): Promise<AsyncIterable<readonly ChatEvent[]>> {
  const { alias, accepted, request, live } = run;
  const { target, reply } = await router.open(
    {
      plan: accepted.plan,
      stream: true,
      requestId: request.requestId,
      trace: live.trace,
      hedgeMs: alias.hedgeMs,
      bodyFor: (asked) => bodyOf(run, asked),
      onAttempt: run.onAttempt,
      onAnswer: run.onAnswerer,
    },
    live.signal,
  );
  progress.target = target;
  if (reply.kind === 'json')
    throw new TypeError('a provider sent a reply whole that was asked for as a stream');
  progress.start = {
    turnId: live.id,
    upstream: target.upstream,
    upstreamModel: target.model,
    startedAt: clock.now(),
  };
  return reply.events;
}

/** The request in OpenAI's form: the history's stored bytes, the epoch's pinned bytes, the client's parameters. */
export function bodyOf(
  { request, accepted, ...ask }: TurnAsk,
  target: Target,
): Pick<ChatCall, 'body' | 'bytes'> {
  const { tools, toolChoice, responseFormat } = accepted.epoch.profile;
  const { text, bytes } = accepted.messagesFor(target);
  // vLLM keeps the cached prefixes of different salts apart, so that nobody's timing tells of another's prompts.
  const cacheSalt = target.kind === 'vllm' ? ask.cacheSalt() : null;
  const members: Record<string, string | null> = {
    tools,
    // Engines refuse a choice of tools where there are none.
    tool_choice: tools === null ? null : toolChoice,
    response_format: responseFormat,
    stream: 'true',
    stream_options: '{"include_usage":true}',
    ...request.parameters,
    ...(cacheSalt === null ? {} : { cache_salt: JSON.stringify(cacheSalt) }),
  };
  const head = `{"model":${JSON.stringify(target.model)},"messages":`;
  let tail = '';
  for (const [key, value] of Object.entries(members)) {
    if (value !== null) tail += `,${JSON.stringify(key)}:${value}`;
  }
  tail += '}';
  return {
    body: head + text + tail,
    bytes: bytes && [Buffer.from(head), ...bytes, Buffer.from(tail)],
  };
}

async function takeIn(
  batch: readonly ChatEvent[],
  progress: Progress,
  { run, deps }: { run: TurnRun; deps: RunTurnDeps },
): Promise<void> {
  const { live } = run;
  // What came before the turn was cancelled, and was not written, was never said.
  live.signal.throwIfAborted();
  const frames: Frame[] = [];
  let { answer, chars } = progress;
  for (const event of batch) {
    if (event.kind !== 'chunk') continue;
    answer = withChunk(answer, event.chunk);
    const json = progress.show(event.json, event.chunk);
    if (json === null) continue;
    chars += json.length;
    frames.push({ seq: live.nextSeq() + frames.length, json });
  }
  if (chars > MAX_TURN_CHARS) {
    throw new GatewayError('upstream_protocol_error', {
      message: `The answer exceeds ${MAX_TURN_CHARS} characters. Ask for less.`,
    });
  }
  await write(frames, progress, { run, deps });
  progress.answer = answer;
  progress.chars = chars;
  if (isVisible(answer)) progress.firstVisibleAt ??= deps.clock.now();
}

/** Written first, then published: whoever is shown a frame can resume from it. */
async function write(
  frames: readonly Frame[],
  progress: Progress,
  { run: { live }, deps: { store } }: { run: TurnRun; deps: RunTurnDeps },
): Promise<void> {
  const { start } = progress;
  progress.start = null;
  const events = frames.map(({ seq, json }) => ({ turnId: live.id, seq, payload: json }));
  const [, isOpen] = await Promise.all([
    start && store.start(start),
    events.length === 0 || store.append(events),
  ]);
  if (!isOpen) throw new TurnCancelled('it was ended elsewhere');
  live.publish(frames);
}

/** An estimate for the client alone: the turn's own record stays without counts. */
async function showMissingUsage(
  progress: Progress,
  { run, deps }: { run: TurnRun; deps: RunTurnDeps },
): Promise<void> {
  const { request, accepted, alias, live } = run;
  const { answer, target } = progress;
  if (!request.showUsage || answer.usage !== null || target === null) return;
  const watch = watchUsage(alias.name);
  const { id, created, content, toolCalls: tool_calls, extra } = answer;
  const choices = [{ delta: { ...extra, content, tool_calls } }];
  watch.see({ choices, ...(id === null ? {} : { id }), created });
  const prompt = [accepted.messagesFor(target).text, accepted.epoch.profile.tools ?? ''];
  const json = watch.missing(prompt);
  if (json !== null) await write([{ seq: live.nextSeq(), json }], progress, { run, deps });
}

function completed(run: TurnRun, progress: Progress, { clock }: RunTurnDeps): FinishTurn {
  const { answer } = progress;
  const endedAt = clock.now();
  return {
    ...outcomeOf(run, progress, endedAt),
    status: 'completed',
    // History holds no empty message: a model that only thought leaves the head where it was.
    ...(isVisible(answer) ? sealedAnswer(run, answer, endedAt) : {}),
    errorCode: null,
  };
}

/** A turn that did not complete: cancelled keeps what was seen, failed leaves the head where it was. */
function endedEarly(
  run: TurnRun,
  progress: Progress,
  { error, told, endedAt }: { error: unknown; told: GatewayError; endedAt: number },
): FinishTurn {
  const outcome = outcomeOf(run, progress, endedAt);
  if (!(error instanceof TurnCancelled)) {
    const { code, status, retryAfterMs = null } = told;
    return { ...outcome, status: 'failed', errorCode: code, errorReply: { status, retryAfterMs } };
  }
  // Half a tool call is of no use to anybody: only text counts as seen.
  const { answer } = progress;
  const seen = answer.content === '' ? null : { ...answer, toolCalls: [] };
  return {
    ...outcome,
    status: 'cancelled',
    ...(seen ? sealedAnswer(run, seen, endedAt) : {}),
    errorCode: null,
  };
}

function sealedAnswer({ accepted }: TurnRun, answer: Answer, endedAt: number) {
  const { node, blobs } = answerNode(answer, endedAt);
  return { output: sealNode(accepted.inputNode, node), blobs };
}

function outcomeOf(run: TurnRun, { answer, firstVisibleAt, target }: Progress, endedAt: number) {
  const { live, accepted } = run;
  const usage = tokenCounts(answer.usage);
  return {
    turnId: live.id,
    blobs: [],
    finishReason: answer.finishReason,
    usage,
    prefixBreak:
      // What was never read has no prefix that could be missed.
      target === null || answer.finishReason === null
        ? null
        : prefixBreak(
            accepted.before,
            { ...target, epochId: accepted.epoch.id },
            usage.cachedTokens,
          ),
    ttftMs: firstVisibleAt === null ? null : firstVisibleAt - accepted.acceptedAt,
    endedAt,
  };
}

/** The answer counts once it is durable, unless the turn was ended or deleted meanwhile by somebody else. */
async function settle(
  finish: FinishTurn,
  { request, live }: TurnRun,
  store: ConversationStore,
): Promise<void> {
  if (await store.finish(finish)) return;
  const turn = await store.turn(request.scope, live.id);
  if (turn) throw new TurnCancelled('it was ended elsewhere');
  throw new GatewayError('conversation_not_found', {
    message: 'The conversation was deleted while its turn was running.',
    param: 'conversation_id',
  });
}
