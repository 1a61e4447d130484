// What a turn is built on: where its conversation stands, and what its prompt begins with. Read from the store, or, for
// a conversation that goes on, at hand from the turn before.
import type { Blob, Conversation, ConversationNode, Epoch } from '../conversations/conversation.ts';
import type { ConversationStore } from '../conversations/store.ts';
import type { Target } from '../providers/provider.ts';
import { GatewayError } from '../domain/errors.ts';
import { compactedEpoch, sentMessages } from '../prompt/epoch.ts';
import { goesOnFrom, grownPrompt, keptPrompt, type GrowingPrompt } from '../prompt/kept-prompt.ts';
import { promptFor } from '../prompt/prompt-for.ts';
import { replayOf, withReasoning } from '../prompt/replay.ts';
import { fitsWindow, guessedTokens, windowFor } from '../prompt/window.ts';
import type { Plan } from '../routing/plan.ts';
import type { AnsweredTurn, KeptConversation } from './kept-conversations.ts';
import { refusal } from './refusal.ts';
import type { TurnInput, TurnRequest } from './turn-request.ts';

export interface Ground {
  /** null for a new one. */
  readonly conversation: Pick<Conversation, 'id' | 'head' | 'epoch'> | null;
  /** What the input goes under. */
  readonly parent: ConversationNode | null;
  /** The turn whose answer the prompt goes on from; null for a first one. */
  readonly before: AnsweredTurn | null;
  /** The turn after which nothing may have changed; null where the store has just been read. */
  readonly after: string | null;
  /** The prompt with the turn's input at its end; null where this ground does not bear it. */
  compose(wish: PromptWish): Promise<ComposedPrompt | null>;
}

export interface PromptWish {
  readonly epoch: Epoch;
  readonly input: TurnInput;
  readonly plan: Plan;
  /** Tokens of prompt and answer together that the plan's first target takes; null when unknown. */
  readonly contextTokens: number | null;
  /** Tokens that the answer may take. */
  readonly answerTokens: number;
}

export interface ComposedPrompt extends GrowingPrompt {
  /** The asked one, or another where messages have left the prompt. */
  readonly epoch: Epoch;
  /** Turns that left the prompt with this one; 0 for nearly every turn. */
  readonly compactedTurns: number;
}

/** Where the turn before left the conversation; null where that is not what is asked for. */
export function keptGround(kept: KeptConversation, { parent }: TurnRequest): Ground | null {
  const { conversation, head, before, turnId, prompt } = kept;
  if (parent !== undefined && parent !== head.id) return null;
  return {
    conversation,
    parent: head,
    before,
    after: turnId,
    async compose({ epoch, input, plan, contextTokens, answerTokens }) {
      if (!goesOnFrom(prompt, epoch.profile, plan)) return null;
      const counted = countedTokens(before, epoch);
      const tokens = (counted ?? prompt.guessedTokens) + guessedTokens(input.nodes);
      if (!fitsWindow(tokens, { contextTokens, answerTokens })) return null;
      const blobs = new Map(input.blobs.map((blob) => [blob.sha256, blob]));
      const grown = grownPrompt(prompt, input.nodes, { blobs, target: plan[0] });
      return { ...grown, epoch, compactedTurns: 0 };
    },
  };
}

/** Rejects where the conversation, or the message to go on from, is not there. */
export async function storedGround(
  request: TurnRequest,
  store: ConversationStore,
): Promise<Ground> {
  const conversation = await findConversation(request, store);
  const parent = request.parent === undefined ? (conversation?.head ?? null) : request.parent;
  const path = await pathTo(parent, conversation, store);
  const before = conversation ? await turnBefore(conversation.id, path, store) : null;
  return {
    conversation,
    parent: path.at(-1) ?? null,
    before,
    after: null,
    async compose({ epoch: asked, input, plan, contextTokens, answerTokens }) {
      const [target] = plan;
      const nodes = [...path, ...input.nodes];
      const fit = { before, target, contextTokens, answerTokens };
      const { epoch, sent, compactedTurns } = fitted(nodes, asked, fit);
      const blobs = await blobsOf(sent, input.blobs, store);
      const messagesFor = promptFor(epoch.profile, sent, blobs);
      // An image that is missing has to be told before the turn is accepted.
      const messages = messagesFor(target);
      return {
        epoch,
        compactedTurns,
        messagesFor,
        keptWith: (answer) => keptPrompt(epoch.profile, { nodes: sent, messages, target }, answer),
      };
    },
  };
}

interface Fit {
  readonly before: AnsweredTurn | null;
  readonly target: Target;
  readonly contextTokens: number | null;
  readonly answerTokens: number;
}

/** The messages to send, with the oldest turns left out, in an epoch of its own, when the window is full. */
function fitted(
  nodes: readonly ConversationNode[],
  asked: Epoch,
  { before, target, contextTokens, answerTokens }: Fit,
) {
  const sent = sentMessages(nodes, asked.profile);
  const tokens = countedTokens(before, asked);
  const answered = sent.findLastIndex(({ id }) => id === before?.outputNode) + 1;
  const window = windowFor(withReasoning(sent, replayOf(target)), {
    contextTokens,
    answerTokens,
    known: tokens === null ? null : { messages: answered, tokens },
  });
  if (window === null) return { epoch: asked, sent, compactedTurns: 0 };
  const epoch = compactedEpoch(asked, window.firstNode);
  return { epoch, sent: sentMessages(nodes, epoch.profile), compactedTurns: window.droppedTurns };
}

/** What prompt and answer of the turn before took, where somebody counted and the prompt begins as it did then. */
function countedTokens(before: AnsweredTurn | null, { id }: Epoch): number | null {
  if (before?.epochId !== id) return null;
  const { promptTokens, completionTokens } = before.usage;
  return promptTokens === null || completionTokens === null
    ? null
    : promptTokens + completionTokens;
}

async function findConversation(
  { conversationId, scope }: TurnRequest,
  store: ConversationStore,
): Promise<Conversation | null> {
  if (conversationId === null) return null;
  const conversation = await store.conversation(scope, conversationId);
  if (conversation) return conversation;
  throw refusal({ outcome: 'not_found' });
}

async function pathTo(
  node: string | null,
  conversation: Conversation | null,
  store: ConversationStore,
): Promise<readonly ConversationNode[]> {
  if (node === null) return [];
  const path = conversation ? await store.path(conversation.id, node) : [];
  if (path.at(-1)?.id === node) return path;
  throw new GatewayError('invalid_field', {
    message:
      'parent is no message of this conversation. GET /c1/conversations/{id}?tree=1 lists them.',
    param: 'parent',
  });
}

/** The turn whose answer is the last one on the path. */
async function turnBefore(
  conversationId: string,
  path: readonly ConversationNode[],
  store: ConversationStore,
): Promise<AnsweredTurn | null> {
  const answer = path.findLast(({ role }) => role === 'assistant');
  return answer ? await store.turnSealing(conversationId, answer.id) : null;
}

/** The images that the prompt shows: those of this turn are at hand, older ones are read. */
async function blobsOf(
  nodes: readonly ConversationNode[],
  fresh: readonly Blob[],
  store: ConversationStore,
): Promise<Map<string, Blob>> {
  const blobs = new Map(fresh.map((blob) => [blob.sha256, blob]));
  const stored = new Set(nodes.flatMap((node) => node.blobs).filter((hash) => !blobs.has(hash)));
  if (stored.size > 0) {
    for (const blob of await store.blobs([...stored])) blobs.set(blob.sha256, blob);
  }
  return blobs;
}
