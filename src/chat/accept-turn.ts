// Takes a turn into the ledger: finds what it is built on, pins the epoch, seals the input, and has the store accept it
// durably. After that the question survives anything; before it nobody upstream has heard of it.
import type { Conversation, ConversationNode, Epoch } from '../conversations/conversation.ts';
import type { AcceptTurn, ConversationStore } from '../conversations/store.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { nextEpoch } from '../prompt/epoch.ts';
import type { GrowingPrompt } from '../prompt/kept-prompt.ts';
import { expectedCachedTokens } from '../prompt/prefix.ts';
import type { Plan, Preference } from '../routing/plan.ts';
import type { Target } from '../providers/provider.ts';
import type { AnsweredTurn, KeptConversations } from './kept-conversations.ts';
import { refusal } from './refusal.ts';
import { shortTitle } from './short-title.ts';
import { keptGround, storedGround, type Ground } from './turn-ground.ts';
import { sealInput, type TurnInput, type TurnRequest } from './turn-request.ts';

export interface AcceptedTurn extends GrowingPrompt {
  readonly turnId: string;
  readonly conversationId: string;
  readonly epoch: Epoch;
  /** What the answer will be a child of. */
  readonly inputNode: ConversationNode;
  /** The turn opens its conversation. */
  readonly isFirst: boolean;
  /** Turns that left the prompt with this one; 0 for nearly every turn. */
  readonly compactedTurns: number;
  /** The turn whose answer the prompt goes on from; null for a first one. */
  readonly before: AnsweredTurn | null;
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
  readonly kept: Pick<KeptConversations, 'find' | 'forget'>;
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
  const atHand = await draftAtHand(turnId, request, deps);
  if (atHand) {
    const acceptance = await offer(atHand, request, deps.store);
    if (typeof acceptance === 'object') return acceptance;
    deps.kept.forget(atHand.accepted.conversationId);
  }
  const known = await knownTurn(request, deps.store);
  if (known !== null) return { repeats: known };
  for (let attempt = 1; ; attempt++) {
    const ground = await storedGround(request, deps.store);
    const draft = await draftTurn(turnId, request, { ...deps, ground });
    if (!draft) throw new TypeError('what the store says bears every turn');
    const acceptance = await offer(draft, request, deps.store);
    if (typeof acceptance === 'object') return acceptance;
    if (attempt === ATTEMPTS) throw refusal({ outcome: 'head_moved', head: null });
  }
}

/** The turn as it is built on what is kept; null where that is nothing, or says that the turn cannot be. */
async function draftAtHand(
  turnId: string,
  request: TurnRequest,
  deps: AcceptTurnDeps,
): Promise<Draft | null> {
  const { conversationId, scope } = request;
  const kept = conversationId === null ? null : deps.kept.find(scope, conversationId);
  const ground = kept && keptGround(kept, request);
  if (!ground) return null;
  try {
    return await draftTurn(turnId, request, { ...deps, ground });
  } catch (error) {
    // It may have been outdated: what the store says is what counts.
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

/** What became of it; `stale` when the conversation is not any more what it was built on. */
async function offer(
  draft: Draft,
  request: TurnRequest,
  store: ConversationStore,
): Promise<Acceptance | 'stale'> {
  const result = await store.accept(commandFor(draft, request));
  if (result.outcome === 'accepted') return draft.accepted;
  if (result.outcome === 'repeated') return { repeats: result.turnId };
  if (result.outcome === 'outdated' || result.outcome === 'head_moved') return 'stale';
  throw refusal(result);
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
  readonly ground: Ground;
  readonly startsEpoch: boolean;
  readonly input: TurnInput;
}

/** null where the ground does not bear it. */
async function draftTurn(
  turnId: string,
  request: TurnRequest,
  { ground, ...deps }: AcceptTurnDeps & { readonly ground: Ground },
): Promise<Draft | null> {
  const { conversation, parent, before } = ground;
  checkExpectedHead(request, conversation);
  checkSystem(request, conversation);
  const createdAt = deps.clock.now();
  const input = sealInput(request, parent, createdAt);
  const inputNode = input.nodes.at(-1) ?? parent;
  if (!inputNode) throw new TypeError('a turn has an input');
  const { epoch: asked, isNew } = nextEpoch(conversation, request.profile);
  const conversationId = conversation?.id ?? newId('conv');
  const plan = deps.planFor({
    key: () => conversationId,
    holdsCache: cacheHolder(before, createdAt - deps.affinityMs),
  });
  const [target] = plan;
  const contextTokens = deps.contextOf(target);
  const { answerTokens } = request;
  const prompt = await ground.compose({ epoch: asked, input, plan, contextTokens, answerTokens });
  if (!prompt) return null;
  return {
    ground,
    startsEpoch: isNew || prompt.compactedTurns > 0,
    input,
    accepted: {
      ...prompt,
      turnId,
      conversationId,
      inputNode,
      isFirst: conversation === null,
      plan,
      before,
      expectedCachedTokens: expectedCachedTokens(before, { ...target, epochId: prompt.epoch.id }),
      acceptedAt: createdAt,
    },
  };
}

function commandFor(
  { accepted, ground, startsEpoch, input }: Draft,
  request: TurnRequest,
): AcceptTurn {
  const { turnId, conversationId, epoch, inputNode, acceptedAt } = accepted;
  const { conversation, parent, after } = ground;
  return {
    turnId,
    scope: request.scope,
    conversationId,
    ...(conversation ? {} : { create: { title: titleOf(input) } }),
    head: conversation?.head ?? null,
    ...(after === null ? {} : { after }),
    parentNode: parent?.id ?? null,
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

/** Who answered the turn before, unless that was so long ago that the engine has other prompts in its cache by now. */
function cacheHolder(
  before: AnsweredTurn | null,
  since: number,
): Pick<Target, 'upstream' | 'model'> | null {
  if (!before?.upstream || !before.upstreamModel || (before.endedAt ?? 0) < since) return null;
  return { upstream: before.upstream, model: before.upstreamModel };
}

function checkExpectedHead(
  { expectedHead }: TurnRequest,
  conversation: Pick<Conversation, 'head'> | null,
): void {
  if (expectedHead === undefined || expectedHead === (conversation?.head ?? null)) return;
  throw refusal({ outcome: 'head_moved', head: conversation?.head ?? null });
}

/** A changed system prompt would break the prefix of everything after it. */
function checkSystem(
  { profile }: TurnRequest,
  conversation: Pick<Conversation, 'head' | 'epoch'> | null,
): void {
  const pinned = conversation?.epoch.profile.system;
  // Until something was answered there is no prefix to break.
  if (!conversation?.head || profile.system === null || profile.system === pinned) return;
  throw new GatewayError('invalid_field', {
    message:
      'system is fixed by the first turn of a conversation. Leave it out, or start a new conversation.',
    param: 'system',
  });
}

function titleOf({ nodes }: TurnInput): string | null {
  return nodes.map(({ text }) => shortTitle(text)).find((title) => title !== '') ?? null;
}
