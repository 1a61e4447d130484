// Cancelling a turn that another gateway on the same store runs. The one that runs it is asked to, because only it
// knows all that was shown: what is sealed is then what was seen. Where it is gone, or does not react, the turn is
// ended from here.
import { sealNode } from '../conversations/node.ts';
import type { Scope } from '../conversations/conversation.ts';
import type { ConversationStore, FinishTurn } from '../conversations/store.ts';
import { isTerminal, type Turn } from '../conversations/turn.ts';
import type { Clock } from '../domain/clock.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import { GatewayError } from '../domain/errors.ts';
import { CANCEL_PATIENCE_MS, FOREIGN_TURN_POLL_MS } from '../domain/limits.ts';
import { answerNode, EMPTY_ANSWER } from './answer.ts';
import { textSoFar } from './follow-turn.ts';

interface CancelDeps {
  readonly store: ConversationStore;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
}

/** How often the end is offered again because a frame came in between; more often than any engine speaks. */
const ATTEMPTS = 20;

/** Resolves to what the turn ended as. */
export async function cancelElsewhere(
  scope: Scope,
  turnId: string,
  deps: CancelDeps,
): Promise<Turn> {
  const { store, clock, deadlines } = deps;
  const request = await store.requestCancel(turnId);
  const until = clock.elapsed() + (request === 'requested' ? CANCEL_PATIENCE_MS : 0);
  for (let turn = await findTurn(scope, turnId, store); ;) {
    if (isTerminal(turn.status)) return turn;
    if (clock.elapsed() >= until) return await endHere(scope, turn, deps);
    await new Promise<void>((resolve) => deadlines.arm(FOREIGN_TURN_POLL_MS, resolve));
    turn = await findTurn(scope, turnId, store);
  }
}

export async function findTurn(
  scope: Scope,
  turnId: string,
  store: ConversationStore,
): Promise<Turn> {
  const turn = await store.turn(scope, turnId);
  if (turn) return turn;
  throw new GatewayError('turn_not_found', { param: 'turn_id' });
}

/** With what has been written of it so far: refused and tried again when more is written meanwhile. */
async function endHere(scope: Scope, open: Turn, { store, clock }: CancelDeps): Promise<Turn> {
  let turn = open;
  for (let attempt = 1; !isTerminal(turn.status); attempt++) {
    const endedAt = clock.now();
    const { lastSeq, ...partial } = await partialOf(turn, endedAt, store);
    const end = { ...cancelledEnd(turn.id, endedAt), ...partial };
    await store.finish(attempt < ATTEMPTS ? { ...end, lastSeq } : end);
    turn = await findTurn(scope, turn.id, store);
  }
  return turn;
}

function cancelledEnd(turnId: string, endedAt: number): FinishTurn {
  return {
    turnId,
    status: 'cancelled',
    blobs: [],
    finishReason: null,
    errorCode: null,
    usage: { promptTokens: null, completionTokens: null, cachedTokens: null },
    ttftMs: null,
    endedAt,
  };
}

async function partialOf(turn: Turn, endedAt: number, store: ConversationStore) {
  const { text: content, lastSeq } = await textSoFar(turn, store);
  const input = (await store.path(turn.conversationId, turn.inputNode)).at(-1);
  if (content === '' || !input) return { lastSeq };
  const { node, blobs } = answerNode({ ...EMPTY_ANSWER, content }, endedAt);
  return { output: sealNode(input, node), blobs, lastSeq };
}

/** Looks, while turns are open here, which of them somebody elsewhere wants ended. */
export interface CancelWatch {
  start(): void;
  stop(): void;
}

export function watchCancelRequests(
  { store, deadlines }: Pick<CancelDeps, 'store' | 'deadlines'>,
  cancel: (turnId: string) => void,
): CancelWatch {
  let isOn = false;
  const deadline = deadlines.arm(FOREIGN_TURN_POLL_MS, () => void look());
  deadline.disarm();

  async function look(): Promise<void> {
    // A store that cannot be read is asked again: whoever waits ends the turn from there after a while.
    const turns = await store.cancelRequests().catch(() => []);
    for (const turnId of turns) cancel(turnId);
    if (isOn) deadline.rearm(FOREIGN_TURN_POLL_MS);
  }

  return {
    start() {
      if (isOn) return;
      isOn = true;
      deadline.rearm(FOREIGN_TURN_POLL_MS);
    },
    stop() {
      isOn = false;
      deadline.disarm();
    },
  };
}
