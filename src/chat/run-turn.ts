// Runs an accepted turn to its one terminal state: asks the upstream, writes each frame before anybody sees it, seals
// the answer, and only then says that it is done. It belongs to the gateway, not to a connection.
import type { ConversationStore, FinishTurn } from '../conversations/store.ts';
import { sealNode } from '../conversations/node.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ChatEvent, ChatReply, Provider, Target } from '../providers/provider.ts';
import type { Alias } from '../routing/catalog.ts';
import { openReply } from '../routing/open.ts';
import type { AcceptedTurn } from './accept-turn.ts';
import {
  answerCompletion,
  answerNode,
  EMPTY_ANSWER,
  isVisible,
  withChunk,
  type Answer,
} from './answer.ts';
import { TurnCancelled, type Frame, type LiveTurn } from './live-turn.ts';
import { shownJson } from './shown-chunk.ts';
import type { TurnRequest } from './turn-request.ts';

export interface RunTurnDeps {
  readonly store: ConversationStore;
  readonly provider: Provider;
  readonly clock: Clock;
}

export interface TurnRun {
  readonly request: TurnRequest;
  readonly accepted: AcceptedTurn;
  readonly alias: Alias;
  readonly plan: readonly [Target, ...Target[]];
  readonly live: LiveTurn;
  /** Told of each target before it is asked. */
  onAttempt(target: Target): void;
  /** Told of the answer as it grows. */
  onAnswer(answer: Answer): void;
}

/** Resolves when the turn has ended, in the store and for its followers. Rejects only if the store could not end it. */
export async function runTurn(run: TurnRun, deps: RunTurnDeps): Promise<FinishTurn> {
  const { live } = run;
  const progress: Progress = { answer: EMPTY_ANSWER, firstVisibleAt: null };
  try {
    const reply = await ask(run, deps);
    for await (const batch of reply) await takeIn(batch, progress, { run, deps });
    const finish = completed(run, progress, deps);
    await settle(finish, deps.store);
    run.onAnswer(progress.answer);
    const { alias, accepted } = run;
    const names = { alias: alias.name, conversationId: accepted.conversationId, turnId: live.id };
    live.end({ kind: 'completed', completion: answerCompletion(progress.answer, names) });
    return finish;
  } catch (error) {
    const finish = ended(run, progress, { error, endedAt: deps.clock.now() });
    // Followers are told at once: what they are told does not depend on whether the store can note it.
    live.end({ kind: 'failed', error });
    await deps.store.finish(finish);
    return finish;
  }
}

interface Progress {
  answer: Answer;
  firstVisibleAt: number | null;
}

async function ask(
  run: TurnRun,
  { provider, store, clock }: RunTurnDeps,
): Promise<AsyncIterable<readonly ChatEvent[]>> {
  const { alias, plan, request, live, accepted } = run;
  const messages = await accepted.messages();
  const bodyFor = (target: Target) => {
    run.onAttempt(target);
    return bodyOf(run, target, messages);
  };
  const { target, reply }: { target: Target; reply: ChatReply } = await openReply(
    { alias, plan, stream: true, requestId: request.requestId, bodyFor },
    provider,
    live.signal,
  );
  await store.start({
    turnId: live.id,
    upstream: target.upstream,
    upstreamModel: target.model,
    startedAt: clock.now(),
  });
  if (reply.kind === 'json')
    throw new TypeError('a provider sent a reply whole that was asked for as a stream');
  return reply.events;
}

/** The request in OpenAI's form: the history's stored bytes, the epoch's pinned bytes, the client's parameters. */
function bodyOf({ request, accepted }: TurnRun, target: Target, messages: string): string {
  const { tools, toolChoice, responseFormat } = accepted.epoch.profile;
  const members: Record<string, string | null> = {
    model: JSON.stringify(target.model),
    messages,
    tools,
    // Engines refuse a choice of tools where there are none.
    tool_choice: tools === null ? null : toolChoice,
    response_format: responseFormat,
    stream: 'true',
    stream_options: '{"include_usage":true}',
    ...request.parameters,
  };
  const texts = Object.entries(members).flatMap(([key, value]) =>
    value === null ? [] : [`${JSON.stringify(key)}:${value}`],
  );
  return `{${texts.join(',')}}`;
}

async function takeIn(
  batch: readonly ChatEvent[],
  progress: Progress,
  { run, deps }: { run: TurnRun; deps: RunTurnDeps },
): Promise<void> {
  const { live, request, alias } = run;
  const shown = {
    alias: alias.name,
    modelJson: JSON.stringify(alias.name),
    usage: request.showUsage,
  };
  const frames: Frame[] = [];
  for (const event of batch) {
    if (event.kind !== 'chunk') continue;
    progress.answer = withChunk(progress.answer, event.chunk);
    const json = shownJson(event.json, event.chunk, shown);
    if (json !== null) frames.push({ seq: live.nextSeq() + frames.length, json });
  }
  if (progress.firstVisibleAt === null && isVisible(progress.answer)) {
    progress.firstVisibleAt = deps.clock.now();
  }
  if (frames.length === 0) return;
  await deps.store.append(frames.map(({ seq, json }) => ({ turnId: live.id, seq, payload: json })));
  live.publish(frames);
}

function completed(run: TurnRun, progress: Progress, { clock }: RunTurnDeps): FinishTurn {
  const { answer } = progress;
  const endedAt = clock.now();
  return {
    ...outcomeOf(run, progress, endedAt),
    status: 'completed',
    // History holds no empty message: a model that only thought leaves the head where it was.
    ...(isVisible(answer)
      ? { output: sealNode(run.accepted.inputNode, answerNode(answer, endedAt)) }
      : {}),
    errorCode: null,
  };
}

/** A turn that did not complete: cancelled keeps what was seen, failed leaves the head where it was. */
function ended(
  run: TurnRun,
  progress: Progress,
  { error, endedAt }: { error: unknown; endedAt: number },
): FinishTurn {
  const outcome = outcomeOf(run, progress, endedAt);
  if (!(error instanceof TurnCancelled)) {
    const errorCode = error instanceof GatewayError ? error.code : 'internal_error';
    return { ...outcome, status: 'failed', errorCode };
  }
  // Half a tool call is of no use to anybody: only text counts as seen.
  const { answer } = progress;
  const seen = answer.content === '' ? null : { ...answer, toolCalls: [] };
  return {
    ...outcome,
    status: 'cancelled',
    ...(seen ? { output: sealNode(run.accepted.inputNode, answerNode(seen, endedAt)) } : {}),
    errorCode: null,
  };
}

function outcomeOf(
  { live, accepted }: TurnRun,
  { answer, firstVisibleAt }: Progress,
  endedAt: number,
) {
  const { usage } = answer;
  return {
    turnId: live.id,
    blobs: [],
    finishReason: answer.finishReason,
    usage: {
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
      cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? null,
    },
    ttftMs: firstVisibleAt === null ? null : firstVisibleAt - accepted.acceptedAt,
    endedAt,
  };
}

/** The answer counts once it is durable; a turn that is gone (its conversation was deleted) has nobody to count for. */
async function settle(finish: FinishTurn, store: ConversationStore): Promise<void> {
  if (await store.finish(finish)) return;
  throw new GatewayError('conversation_not_found', {
    message: 'The conversation was deleted while its turn was running.',
    param: 'conversation_id',
  });
}
