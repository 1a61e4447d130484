// What a turn has said and says, for whoever follows it: from memory while it runs here, from the store when it runs
// in another process or has ended. Live or stored, the same frames in the same order, and the same end.
import type { Scope } from '../conversations/conversation.ts';
import type { ConversationStore } from '../conversations/store.ts';
import { isTerminal, type Turn } from '../conversations/turn.ts';
import type { Stop } from '../domain/stop.ts';
import { waitFor, type Deadlines } from '../domain/deadlines.ts';
import { ERROR_CATALOGUE } from '../domain/error-catalogue.ts';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';
import { FOREIGN_TURN_POLL_MS } from '../domain/limits.ts';
import { through } from '../domain/stages.ts';
import { fillMarks } from '../prompt/blob-mark.ts';
import type { Completion } from '../providers/provider.ts';
import { answerCompletion, EMPTY_ANSWER, withChunk } from './answer.ts';
import { TurnFailure, type LiveTurn } from './live-turn.ts';
import { SNAPSHOT_SEQ, snapshotFrame } from './snapshot.ts';
import { piece, type Frame } from './turn-follower.ts';

export interface FollowRequest {
  readonly turnId: string;
  readonly scope: Scope;
  /** The turn itself, where it is at hand: nobody has to be asked whether there is one, and whose it is. */
  readonly live?: LiveTurn | undefined;
  /** Frames up to this seq have been seen; -1 for none. */
  readonly after: number;
  /** Named in an error that was not yet told to anybody. */
  readonly requestId: string;
}

export interface FollowDeps {
  readonly store: ConversationStore;
  readonly deadlines: Deadlines;
  /** The turn, if it runs in this process. */
  find(turnId: string): LiveTurn | undefined;
}

/** A frame, or a snapshot that stands for all frames of a turn whose events are not kept any more. */
export interface FollowedFrames {
  readonly frames: readonly Frame[];
  readonly isSnapshot: boolean;
}

/**
 * The frames after `after`, then the live tail; returns when the turn has completed. Throws a TurnFailure when it did
 * not, `turn_not_found`, or `signal`'s reason.
 */
export function followTurn(
  request: FollowRequest,
  deps: FollowDeps,
  signal: Stop,
): AsyncGenerator<FollowedFrames, void> {
  const { live, after } = request;
  return live ? followLive(live, after, signal) : followFound(request, deps, signal);
}

function followLive(
  live: LiveTurn,
  after: number,
  signal: Stop,
): AsyncGenerator<FollowedFrames, void> {
  return through(live.follow(after, signal), { take: (frames) => ({ frames, isSnapshot: false }) });
}

async function* followFound(
  request: FollowRequest,
  deps: FollowDeps,
  signal: Stop,
): AsyncGenerator<FollowedFrames, void> {
  const { turnId, scope } = request;
  let after = request.after;
  for (;;) {
    // The turn before its events: a turn that is over has no more of them.
    const turn = await deps.store.turn(scope, turnId);
    if (!turn) throw new GatewayError('turn_not_found', { param: 'turn_id' });
    const live = deps.find(turnId);
    if (live) {
      yield* followLive(live, after, signal);
      return;
    }
    const { frames, errorFrame } = await storedFrames(turnId, after, deps.store);
    for (let at = 0; at < frames.length;) {
      const next = piece(frames, at);
      at += next.length;
      yield { frames: next, isSnapshot: false };
    }
    after = frames.at(-1)?.seq ?? after;
    // It may have ended since it was looked at.
    if (errorFrame) throw storedFailure((await deps.store.turn(scope, turnId)) ?? turn, errorFrame);
    if (isTerminal(turn.status)) {
      yield* theEnd(turn, { ...request, after }, deps.store);
      return;
    }
    await waitFor(FOREIGN_TURN_POLL_MS, deps.deadlines, signal);
  }
}

/** The whole reply as a chat.completion's JSON text: the same bytes for everybody who asks, whenever they ask. */
export async function turnCompletion(
  request: Omit<FollowRequest, 'after'> & {
    readonly conversationId: string;
    readonly alias: string;
  },
  deps: FollowDeps,
  signal: Stop,
): Promise<string> {
  let answer = EMPTY_ANSWER;
  for await (const { frames } of followTurn({ ...request, after: -1 }, deps, signal)) {
    for (const { json } of frames) answer = withChunk(answer, JSON.parse(json) as Completion);
  }
  const { alias, conversationId, turnId } = request;
  return answerCompletion(answer, { alias, conversationId, turnId });
}

/** The text of a turn as far as it has come and is kept: also of one that failed. */
export async function storedText(turn: Turn, store: ConversationStore): Promise<string> {
  const { text, lastSeq } = await textSoFar(turn, store);
  if (lastSeq !== -1 || turn.outputNode === null) return text;
  return (await store.path(turn.conversationId, turn.outputNode)).at(-1)?.text ?? '';
}

/** The text in a turn's frames, and the seq of the last one; -1 where none are kept. */
export async function textSoFar(
  { id }: Turn,
  store: ConversationStore,
): Promise<{ text: string; lastSeq: number }> {
  const { frames, errorFrame } = await storedFrames(id, -1, store);
  let answer = EMPTY_ANSWER;
  for (const { json } of frames) answer = withChunk(answer, JSON.parse(json) as Completion);
  return { text: answer.content, lastSeq: (errorFrame ?? frames.at(-1))?.seq ?? -1 };
}

async function storedFrames(
  turnId: string,
  after: number,
  store: ConversationStore,
): Promise<{ frames: Frame[]; errorFrame: Frame | null }> {
  const events = await store.events(turnId, after);
  const frames = events.map(({ seq, payload }): Frame => ({ seq, json: payload }));
  const last = frames.at(-1);
  return last?.json.startsWith('{"error":')
    ? { frames: frames.slice(0, -1), errorFrame: last }
    : { frames, errorFrame: null };
}

/** What a turn that is over has still to say beyond its stored frames. */
async function* theEnd(
  turn: Turn,
  request: FollowRequest,
  store: ConversationStore,
): AsyncGenerator<FollowedFrames, void> {
  if (turn.status !== 'completed') {
    // Whoever resumes after the error itself is told the same one again.
    const { errorFrame } = await storedFrames(turn.id, -1, store);
    throw errorFrame ? storedFailure(turn, errorFrame) : unrecordedFailure(turn, request);
  }
  if (request.after === SNAPSHOT_SEQ) return;
  const isCollected = (await store.events(turn.id, -1)).length === 0;
  if (!isCollected || turn.outputNode === null) return;
  const path = await store.path(turn.conversationId, turn.outputNode);
  const output = path.at(-1);
  const conversation = await store.conversation(request.scope, turn.conversationId);
  if (!output || !conversation) return;
  const model = conversation.epoch.profile.model;
  const blobs = output.blobs.length > 0 ? await store.blobs(output.blobs) : [];
  const wire = fillMarks(output.wire, new Map(blobs.map((blob) => [blob.sha256, blob])));
  yield { frames: [snapshotFrame(turn, { ...output, wire }, model)], isSnapshot: true };
}

/** A turn that a crash ended, or whose events are gone, has no error of its own to repeat: its code is known. */
function unrecordedFailure(turn: Turn, { after, requestId }: FollowRequest): TurnFailure {
  const code: ErrorCode =
    turn.status === 'cancelled' ? 'turn_cancelled' : (turn.errorCode ?? 'upstream_interrupted');
  const error = new GatewayError(code, { requestId, ...replyDetails(turn) });
  return new TurnFailure(error, { seq: after + 1, json: error.envelope(requestId) });
}

/** The frame holds what every client is told; the status and the time to wait are kept beside it. */
function storedFailure(turn: Turn, frame: Frame): TurnFailure {
  const { error } = JSON.parse(frame.json) as { error: Record<string, unknown> };
  const member = (key: string, value: unknown) =>
    typeof value === 'string' ? { [key]: value } : {};
  const code = String(error['code']);
  const told = new GatewayError(isErrorCode(code) ? code : 'internal_error', {
    ...member('message', error['message']),
    ...member('param', error['param']),
    ...member('requestId', error['request_id']),
    ...replyDetails(turn),
  });
  return new TurnFailure(told, frame);
}

function replyDetails({ errorReply }: Turn): { status?: number; retryAfterMs?: number } {
  if (errorReply === null) return {};
  const { status, retryAfterMs } = errorReply;
  return { status, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code);
}
