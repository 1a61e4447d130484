// The port to what is remembered. Adapters live in storage/; store.contract.ts holds what each must keep to.
//
// Writes resolve only when they are durable, and every race is settled inside the store by its unique indexes:
// one active turn per conversation, one turn per (owner, idempotency key). Whatever fails because the disk, the
// file or the database does is a GatewayError `storage_unavailable`.
import type { Blob, Conversation, ConversationNode, Epoch, Scope } from './conversation.ts';
import type { Turn, TurnStatus, TurnUsage } from './turn.ts';
import type { ErrorCode } from '../domain/errors.ts';

export interface AcceptTurn {
  readonly turnId: string;
  readonly scope: Scope;
  readonly conversationId: string;
  /** Present when the turn opens the conversation. */
  readonly create?: { readonly title: string | null };
  /** Head that the input was built on; the turn is refused with `head_moved` if it is not the head any more. */
  readonly parentNode: string | null;
  /** Present when the turn starts a new epoch (always on create). It becomes the conversation's when the head moves. */
  readonly epoch?: Epoch;
  /** The turn's own messages in order, each the parent of the next, the first on parentNode. At least one. */
  readonly input: readonly ConversationNode[];
  readonly blobs: readonly Blob[];
  readonly idempotencyKey: string | null;
  readonly requestFingerprint: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

export type AcceptOutcome =
  | { readonly outcome: 'accepted' }
  /** Another turn of the conversation is active. */
  | { readonly outcome: 'busy'; readonly turnId: string }
  | { readonly outcome: 'head_moved'; readonly head: string | null }
  /** Unknown, deleted, or in another scope. */
  | { readonly outcome: 'not_found' }
  /** The same idempotency key with the same fingerprint made this turn before. */
  | { readonly outcome: 'repeated'; readonly turnId: string }
  /** The same idempotency key came with another fingerprint. */
  | { readonly outcome: 'key_reused' };

export interface StartTurn {
  readonly turnId: string;
  readonly upstream: string;
  readonly upstreamModel: string;
  readonly startedAt: number;
}

export interface FinishTurn {
  readonly turnId: string;
  readonly status: Extract<TurnStatus, 'completed' | 'failed' | 'cancelled'>;
  /** The sealed answer, a child of the turn's input node; the conversation's head moves to it. Never of a failed turn. */
  readonly output?: ConversationNode;
  readonly blobs: readonly Blob[];
  readonly finishReason: string | null;
  readonly errorCode: ErrorCode | null;
  readonly usage: TurnUsage;
  readonly ttftMs: number | null;
  /** Unix milliseconds. */
  readonly endedAt: number;
}

/** One frame of a turn's stream, kept in order for resumption; seq counts from 0 per turn. */
export interface TurnEvent {
  readonly turnId: string;
  readonly seq: number;
  readonly payload: string;
}

export interface ConversationPage {
  readonly items: readonly Conversation[];
  readonly total: number;
}

export interface ListConversations {
  readonly limit: number;
  readonly offset: number;
  /** Words to look for in titles and message texts of the current path; null for all. */
  readonly query: string | null;
}

export interface ConversationChanges {
  readonly title?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ConversationStore {
  /** null when unknown, deleted, or in another scope. */
  conversation(scope: Scope, id: string): Promise<Conversation | null>;
  /** The messages from the first to `head`, in order. Empty for null. */
  path(conversationId: string, head: string | null): Promise<ConversationNode[]>;
  /** The blobs of these hashes; ones that are not there are left out. */
  blobs(hashes: readonly string[]): Promise<Blob[]>;
  /** Newest use first, ties by id, newest first as well. */
  list(scope: Scope, page: ListConversations): Promise<ConversationPage>;
  /** null when unknown, deleted, or in another scope. */
  turn(scope: Scope, id: string): Promise<Turn | null>;
  /** A turn's events with a seq above `after`, in order. */
  events(turnId: string, after: number): Promise<TurnEvent[]>;

  /** Durable (fsync) when resolved: the question survives a crash from then on. */
  accept(turn: AcceptTurn): Promise<AcceptOutcome>;
  /** accepted -> streaming. */
  start(turn: StartTurn): Promise<void>;
  /** Written when resolved (a crash of the process does not lose it), not necessarily fsync'd. */
  append(events: readonly TurnEvent[]): Promise<void>;
  /** Durable (fsync) when resolved; false when the turn was terminal already, or is gone, and nothing changed. */
  finish(turn: FinishTurn): Promise<boolean>;
  /** The changed conversation, or null when unknown, deleted, or in another scope. */
  change(scope: Scope, id: string, changes: ConversationChanges): Promise<Conversation | null>;
  /** Everything of it is gone when resolved: rows, text index, events, blobs that nothing else shows. False when there was none. */
  remove(scope: Scope, id: string): Promise<boolean>;

  /**
   * Ends the turns that a process left open when it died: failed with `upstream_interrupted`. Turns of processes
   * that still live are left alone. Resolves to how many it ended.
   */
  recover(endedAt: number): Promise<number>;
  /** Resolves when the store answers a read and a write; rejects with `storage_unavailable` otherwise. */
  probe(): Promise<void>;
  /** Writes what is queued, then lets go of the file. */
  close(): Promise<void>;
}
