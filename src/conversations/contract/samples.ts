// What the store's contract is tested with: turns as the gateway makes them, each with one thing out of the ordinary.
import { expect } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import { blobHash } from '../blob.ts';
import type { Blob, ConversationNode, Epoch, RenderProfile, Scope } from '../conversation.ts';
import { sealNode } from '../node.ts';
import type { AcceptTurn, ConversationStore, FinishTurn } from '../store.ts';

export interface StoreUnderTest {
  readonly store: ConversationStore;
  /** Another gateway's, on the same data. */
  readonly neighbour: ConversationStore;
  /** Closes the store, and throws away what it kept. */
  discard(): Promise<void>;
}

export type Opener = () => Promise<StoreUnderTest>;

/** A token of its own, so that tests share a store without seeing each other. */
export function newScope(userId: string | null = null): Scope {
  return { owner: newId('req'), userId };
}

export const PROFILE: RenderProfile = {
  model: 'llama-4-scout',
  system: null,
  tools: null,
  toolChoice: null,
  responseFormat: null,
};

export function newEpoch(ordinal = 0, profile: Partial<RenderProfile> = {}): Epoch {
  const reason = ordinal === 0 ? 'first' : 'model';
  return { id: newId('epoch'), ordinal, profile: { ...PROFILE, ...profile }, reason };
}

export type Message = Partial<Pick<ConversationNode, 'wire' | 'text' | 'extra' | 'blobs'>>;

export function newNode(
  parent: ConversationNode | null,
  role: ConversationNode['role'],
  message: Message | string,
): ConversationNode {
  const given = typeof message === 'string' ? { text: message } : message;
  const text = given.text ?? 'Hello';
  const wire = given.wire ?? JSON.stringify({ role, content: text });
  const { extra = null, blobs = [] } = given;
  return sealNode(parent, { role, wire, text, extra, blobs, createdAt: 1_000 });
}

export function newBlob(text: string): Blob {
  const bytes = new TextEncoder().encode(text);
  const mime = 'image/png';
  return { sha256: blobHash({ mime, bytes }), mime, bytes };
}

/** A conversation's first turn, not yet accepted. */
export function firstTurn(scope: Scope, changes: Partial<AcceptTurn> = {}): AcceptTurn {
  const input = changes.input ?? [newNode(null, 'user', 'What is a ledger?')];
  return {
    turnId: newId('turn'),
    scope,
    conversationId: newId('conv'),
    create: { title: 'A title' },
    head: null,
    parentNode: null,
    epoch: newEpoch(),
    input,
    inputNode: input.at(-1)?.id ?? '',
    blobs: [],
    idempotencyKey: null,
    requestFingerprint: 'fingerprint',
    expectedCachedTokens: null,
    createdAt: 1_000,
    ...changes,
  };
}

/** The turn after one that was answered with `output`; a branch where `head` is changed to be another node. */
export function nextTurn(
  before: AcceptTurn,
  output: ConversationNode | null,
  changes: Partial<AcceptTurn> = {},
): AcceptTurn {
  const { create: _create, epoch: _epoch, ...rest } = before;
  const input = changes.input ?? [newNode(output, 'user', 'And then?')];
  return {
    ...rest,
    turnId: newId('turn'),
    head: output?.id ?? null,
    parentNode: output?.id ?? null,
    input,
    inputNode: input.at(-1)?.id ?? '',
    blobs: [],
    idempotencyKey: null,
    createdAt: before.createdAt + 10,
    ...changes,
  };
}

/** Asks for another answer to the message of `before`, when the conversation's head is `head`. */
export function repeatedTurn(before: AcceptTurn, head: string | null): AcceptTurn {
  const { inputNode } = before;
  return nextTurn(before, null, { head, parentNode: inputNode, inputNode, input: [] });
}

export function ending(turn: AcceptTurn, changes: Partial<FinishTurn> = {}): FinishTurn {
  return {
    turnId: turn.turnId,
    status: 'completed',
    blobs: [],
    finishReason: 'stop',
    errorCode: null,
    usage: { promptTokens: 10, completionTokens: 5, cachedTokens: null },
    ttftMs: 12.5,
    endedAt: turn.createdAt + 5,
    ...changes,
  };
}

export function answerTo(
  turn: AcceptTurn,
  message: Message | string = 'A book.',
): ConversationNode {
  return newNode(turn.input.at(-1) ?? null, 'assistant', message);
}

export async function accepted(store: ConversationStore, turn: AcceptTurn): Promise<AcceptTurn> {
  expect(await store.accept(turn)).toEqual({ outcome: 'accepted' });
  return turn;
}

export interface Exchange {
  readonly turn: AcceptTurn;
  readonly output: ConversationNode;
}

/** Accepts the turn and completes it with an answer. */
export async function exchange(
  store: ConversationStore,
  turn: AcceptTurn,
  message: Message | string = 'A book.',
): Promise<Exchange> {
  await accepted(store, turn);
  const input = turn.input.at(-1) ?? (await nodeOf(store, turn, turn.inputNode));
  const output = newNode(input, 'assistant', message);
  expect(await store.finish(ending(turn, { output }))).toBe(true);
  return { turn, output };
}

async function nodeOf(
  store: ConversationStore,
  { conversationId }: AcceptTurn,
  id: string,
): Promise<ConversationNode | null> {
  return (await store.path(conversationId, id)).at(-1) ?? null;
}

export async function refusedBy(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}
