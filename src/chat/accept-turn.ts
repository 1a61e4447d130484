// Takes a turn into the ledger: reads the conversation, pins the epoch, seals the input, and has the store accept it
// durably. After that the question survives anything; before it nobody upstream has heard of it.
import type { Blob, Conversation, ConversationNode, Epoch } from '../conversations/conversation.ts';
import type { ConversationStore } from '../conversations/store.ts';
import type { Clock } from '../domain/clock.ts';
import { GatewayError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { MAX_TITLE_CHARS } from '../domain/limits.ts';
import { assembleMessages } from '../prompt/assemble.ts';
import { nextEpoch } from '../prompt/epoch.ts';
import { sealInput, type TurnInput, type TurnRequest } from './turn-request.ts';

export interface AcceptedTurn {
  readonly turnId: string;
  readonly conversationId: string;
  readonly epoch: Epoch;
  /** JSON text of the messages array to send; reads the images of earlier turns. */
  messages(): Promise<string>;
  /** What the answer will be a child of. */
  readonly inputNode: ConversationNode;
  /** Unix milliseconds. */
  readonly acceptedAt: number;
}

export interface AcceptTurnDeps {
  readonly store: ConversationStore;
  readonly clock: Clock;
}

/** How often a turn is built anew because another one ended between reading the head and accepting. */
const ATTEMPTS = 3;

export async function acceptTurn(
  request: TurnRequest,
  deps: AcceptTurnDeps,
): Promise<AcceptedTurn> {
  for (let attempt = 1; ; attempt++) {
    const accepted = await tryAccept(request, deps);
    if (accepted !== 'head_moved') return accepted;
    if (attempt === ATTEMPTS) throw headMoved();
  }
}

async function tryAccept(
  request: TurnRequest,
  { store, clock }: AcceptTurnDeps,
): Promise<AcceptedTurn | 'head_moved'> {
  const conversation = await findConversation(request, store);
  checkExpectedHead(request, conversation);
  const head = conversation?.head ?? null;
  const history = conversation ? await store.path(conversation.id, head) : [];
  const { epoch, isNew } = nextEpoch(conversation?.epoch ?? null, request.profile);
  checkSystem(request, conversation);
  const createdAt = clock.now();
  const input = sealInput(request, history.at(-1) ?? null, createdAt);
  const turnId = newId('turn');
  const conversationId = conversation?.id ?? newId('conv');

  const result = await store.accept({
    turnId,
    scope: request.scope,
    conversationId,
    ...(conversation ? {} : { create: { title: titleOf(input) } }),
    parentNode: head,
    ...(isNew ? { epoch } : {}),
    input: input.nodes,
    blobs: input.blobs,
    idempotencyKey: null,
    requestFingerprint: request.fingerprint,
    createdAt,
  });
  if (result.outcome === 'head_moved') return 'head_moved';
  if (result.outcome !== 'accepted')
    throw refusal(result.outcome, 'turnId' in result ? result.turnId : null);

  const nodes = [...history, ...input.nodes];
  const inputNode = input.nodes.at(-1) ?? input.nodes[0];
  // Not now: a failure from here on has to end the turn, which is the business of whoever runs it.
  const messages = async () =>
    assembleMessages(epoch.profile, nodes, await blobsOf(nodes, input.blobs, store));
  return { turnId, conversationId, epoch, messages, inputNode, acceptedAt: createdAt };
}

async function findConversation(
  request: TurnRequest,
  store: ConversationStore,
): Promise<Conversation | null> {
  if (request.conversationId === null) return null;
  const conversation = await store.conversation(request.scope, request.conversationId);
  if (conversation) return conversation;
  throw refusal('not_found', null);
}

function checkExpectedHead({ expectedHead }: TurnRequest, conversation: Conversation | null): void {
  if (expectedHead !== undefined && expectedHead !== (conversation?.head ?? null))
    throw headMoved();
}

/** A changed system prompt would break the prefix of everything after it. */
function checkSystem({ profile }: TurnRequest, conversation: Conversation | null): void {
  if (
    !conversation ||
    profile.system === null ||
    profile.system === conversation.epoch.profile.system
  )
    return;
  throw new GatewayError('invalid_field', {
    message:
      'system is fixed by the first turn of a conversation. Leave it out, or start a new conversation.',
    param: 'system',
  });
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
  const line = nodes
    .map(({ text }) => text.trim().replaceAll(/\s+/g, ' '))
    .find((text) => text !== '');
  if (line === undefined) return null;
  if (line.length <= MAX_TITLE_CHARS) return line;
  // Cut between characters as people see them, not inside an emoji.
  const kept = new Intl.Segmenter().segment(line).containing(MAX_TITLE_CHARS - 1)?.index;
  return `${line.slice(0, kept)}…`;
}

function refusal(
  outcome: 'busy' | 'not_found' | 'repeated' | 'key_reused',
  turnId: string | null,
): GatewayError {
  switch (outcome) {
    case 'busy':
      return new GatewayError('conversation_busy', {
        message: `The turn ${turnId} of this conversation is still running. Wait for it to end, then send the message again.`,
        param: 'conversation_id',
        retryAfterMs: 1_000,
      });
    case 'not_found':
      return new GatewayError('conversation_not_found', { param: 'conversation_id' });
    case 'repeated':
    case 'key_reused':
      return new GatewayError('idempotency_key_reused', { param: 'idempotency-key' });
    default:
      return outcome satisfies never;
  }
}

function headMoved(): GatewayError {
  return new GatewayError('head_moved', { param: 'expected_head' });
}
