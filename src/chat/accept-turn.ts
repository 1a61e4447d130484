// Takes a turn into the ledger: reads the conversation, pins the epoch, seals the input, and has the store accept it
// durably. After that the question survives anything; before it nobody upstream has heard of it.
import type { Blob, Conversation, ConversationNode, Epoch } from '../conversations/conversation.ts';
import type { AcceptOutcome, ConversationStore } from '../conversations/store.ts';
import type { Turn } from '../conversations/turn.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { compactedEpoch, nextEpoch, sentMessages } from '../prompt/epoch.ts';
import { expectedCachedTokens } from '../prompt/prefix.ts';
import { promptFor } from '../prompt/prompt-for.ts';
import { replayOf, withReasoning, type ReplayTarget } from '../prompt/replay.ts';
import { windowFor } from '../prompt/window.ts';
import type { Plan, Preference } from '../routing/plan.ts';
import type { Target } from '../providers/provider.ts';
import { shortTitle } from './short-title.ts';
import { sealInput, type TurnInput, type TurnRequest } from './turn-request.ts';

export interface AcceptedTurn {
  readonly turnId: string;
  readonly conversationId: string;
  readonly epoch: Epoch;
  /** JSON text of the messages array to send to a target, with as much of earlier reasoning as it wants. */
  messagesFor(target: ReplayTarget): string;
  /** What the answer will be a child of. */
  readonly inputNode: ConversationNode;
  /** The turn opens its conversation. */
  readonly isFirst: boolean;
  /** Turns that left the prompt with this one; 0 for nearly every turn. */
  readonly compactedTurns: number;
  /** The turn whose answer the prompt goes on from; null for a first one. */
  readonly before: Turn | null;
  readonly expectedCachedTokens: number | null;
  /** Whom to ask, in order; the prompt is made for the cache and the window of the first. */
  readonly plan: Plan;
  /** Unix milliseconds. */
  readonly acceptedAt: number;
}

/** A turn of one's own, or the one that the same idempotency key made before. */
export type Acceptance = AcceptedTurn | { readonly repeats: string };

export interface AcceptTurnDeps {
  readonly store: ConversationStore;
  readonly clock: Clock;
  planFor(preference: Omit<Preference, 'provider'>): Plan;
  /** Tokens of prompt and answer together; null when unknown. */
  contextOf(target: Target): number | null;
  /** How long an engine is taken to keep a conversation's prompt in its cache, in milliseconds. */
  readonly affinityMs: number;
}

/** How often a turn is built anew because another one ended between reading the head and accepting. */
const ATTEMPTS = 3;

/** Resolves once the store has accepted the turn under `turnId`, or knows it already. */
export async function acceptTurn(
  turnId: string,
  request: TurnRequest,
  deps: AcceptTurnDeps,
): Promise<Acceptance> {
  const known = await knownTurn(request, deps.store);
  if (known !== null) return { repeats: known };
  for (let attempt = 1; ; attempt++) {
    const draft = await draftTurn(turnId, request, deps);
    const result = await deps.store.accept(commandFor(draft, request));
    if (result.outcome === 'accepted') return draft.accepted;
    if (result.outcome === 'repeated') return { repeats: result.turnId };
    if (result.outcome !== 'head_moved' || attempt === ATTEMPTS) throw refusal(result);
  }
}

/** A repeated request is known before it is held against a conversation that has moved on since. */
async function knownTurn(
  { idempotencyKey, scope, fingerprint }: TurnRequest,
  store: ConversationStore,
): Promise<string | null> {
  const turn =
    idempotencyKey === null ? null : await store.turnWithKey(scope.owner, idempotencyKey);
  if (turn === null || turn.requestFingerprint === fingerprint) return turn?.id ?? null;
  throw refusal({ outcome: 'key_reused' });
}

interface Draft {
  readonly accepted: AcceptedTurn;
  readonly conversation: Conversation | null;
  readonly parentNode: string | null;
  readonly startsEpoch: boolean;
  readonly input: TurnInput;
}

async function draftTurn(
  turnId: string,
  request: TurnRequest,
  deps: AcceptTurnDeps,
): Promise<Draft> {
  const { store, clock } = deps;
  const conversation = await findConversation(request, store);
  checkExpectedHead(request, conversation);
  checkSystem(request, conversation);
  const parentNode = request.parent === undefined ? (conversation?.head ?? null) : request.parent;
  const history = await pathTo(parentNode, conversation, store);
  const createdAt = clock.now();
  const input = sealInput(request, history.at(-1) ?? null, createdAt);
  const nodes = [...history, ...input.nodes];
  const { epoch: asked, isNew } = nextEpoch(conversation, request.profile);
  const before = conversation ? await turnBefore(conversation.id, history, store) : null;
  const conversationId = conversation?.id ?? newId('conv');
  const plan = deps.planFor({
    key: () => conversationId,
    holdsCache: cacheHolder(before, createdAt - deps.affinityMs),
  });
  const [target] = plan;
  const contextTokens = deps.contextOf(target);
  const fit = { before, request, target, contextTokens };
  const { epoch, sent, compactedTurns } = fitted(nodes, asked, fit);
  const inputNode = nodes.at(-1);
  if (!inputNode) throw new TypeError('a turn has an input');
  const blobs = await blobsOf(sent, input.blobs, store);
  const messagesFor = promptFor(epoch.profile, sent, blobs);
  // An image that is missing has to be told before the turn is accepted.
  messagesFor(target);
  return {
    conversation,
    parentNode,
    startsEpoch: isNew || compactedTurns > 0,
    input,
    accepted: {
      turnId,
      conversationId,
      epoch,
      messagesFor,
      inputNode,
      isFirst: conversation === null,
      compactedTurns,
      plan,
      before,
      expectedCachedTokens: expectedCachedTokens(before, { ...target, epochId: epoch.id }),
      acceptedAt: createdAt,
    },
  };
}

function commandFor(
  { accepted, conversation, parentNode, startsEpoch, input }: Draft,
  request: TurnRequest,
) {
  const { turnId, conversationId, epoch, inputNode, acceptedAt } = accepted;
  return {
    turnId,
    scope: request.scope,
    conversationId,
    ...(conversation ? {} : { create: { title: titleOf(input) } }),
    head: conversation?.head ?? null,
    parentNode,
    ...(startsEpoch ? { epoch } : {}),
    input: input.nodes,
    inputNode: inputNode.id,
    blobs: input.blobs,
    idempotencyKey: request.idempotencyKey,
    requestFingerprint: request.fingerprint,
    expectedCachedTokens: accepted.expectedCachedTokens,
    createdAt: acceptedAt,
  };
}

interface FitDeps {
  readonly before: Turn | null;
  readonly request: TurnRequest;
  readonly target: Target;
  readonly contextTokens: number | null;
}

/** The messages to send, with the oldest turns left out, in an epoch of its own, when the window is full. */
function fitted(
  nodes: readonly ConversationNode[],
  asked: Epoch,
  { before, request, target, contextTokens }: FitDeps,
) {
  const sent = sentMessages(nodes, asked.profile);
  const { promptTokens, completionTokens } = before?.usage ?? {
    promptTokens: null,
    completionTokens: null,
  };
  const sameWindow =
    before?.epochId === asked.id && promptTokens !== null && completionTokens !== null;
  const answered = sent.findLastIndex(({ id }) => id === before?.outputNode) + 1;
  const window = windowFor(withReasoning(sent, replayOf(target)), {
    contextTokens,
    answerTokens: request.answerTokens,
    known: sameWindow ? { messages: answered, tokens: promptTokens + completionTokens } : null,
  });
  if (window === null) return { epoch: asked, sent, compactedTurns: 0 };
  const epoch = compactedEpoch(asked, window.firstNode);
  return { epoch, sent: sentMessages(nodes, epoch.profile), compactedTurns: window.droppedTurns };
}

/** Who answered the turn before, unless that was so long ago that the engine has other prompts in its cache by now. */
function cacheHolder(
  before: Turn | null,
  since: number,
): Pick<Target, 'upstream' | 'model'> | null {
  if (!before?.upstream || !before.upstreamModel || (before.endedAt ?? 0) < since) return null;
  return { upstream: before.upstream, model: before.upstreamModel };
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

function checkExpectedHead({ expectedHead }: TurnRequest, conversation: Conversation | null): void {
  if (expectedHead === undefined || expectedHead === (conversation?.head ?? null)) return;
  throw refusal({ outcome: 'head_moved', head: conversation?.head ?? null });
}

/** A changed system prompt would break the prefix of everything after it. */
function checkSystem({ profile }: TurnRequest, conversation: Conversation | null): void {
  const pinned = conversation?.epoch.profile.system;
  // Until something was answered there is no prefix to break.
  if (!conversation?.head || profile.system === null || profile.system === pinned) return;
  throw new GatewayError('invalid_field', {
    message:
      'system is fixed by the first turn of a conversation. Leave it out, or start a new conversation.',
    param: 'system',
  });
}

async function pathTo(
  node: string | null,
  conversation: Conversation | null,
  store: ConversationStore,
): Promise<ConversationNode[]> {
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
): Promise<Turn | null> {
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

function titleOf({ nodes }: TurnInput): string | null {
  return nodes.map(({ text }) => shortTitle(text)).find((title) => title !== '') ?? null;
}

function refusal(
  result: Exclude<AcceptOutcome, { outcome: 'accepted' | 'repeated' }>,
): GatewayError {
  switch (result.outcome) {
    case 'busy':
      return new GatewayError('conversation_busy', {
        message: `The turn ${result.turnId} of this conversation is still running. Wait for it to end, then send the message again.`,
        param: 'conversation_id',
        retryAfterMs: 1_000,
      });
    case 'not_found':
      return new GatewayError('conversation_not_found', { param: 'conversation_id' });
    case 'key_reused':
      return new GatewayError('idempotency_key_reused', { param: 'idempotency-key' });
    case 'head_moved':
      return new GatewayError('head_moved', { param: 'expected_head' });
    default:
      return result satisfies never;
  }
}
