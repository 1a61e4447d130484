// The port to what is remembered. Adapters live in storage/; store.contract.ts holds what each must keep to.
//
// Writes resolve only when they are durable, and every race is settled inside the store by its unique indexes:
// one active turn per conversation, one turn per (owner, idempotency key). Whatever fails because the disk, the
// file or the database does is a GatewayError `storage_unavailable`.
import type { Blob, Conversation, ConversationNode, Epoch, Scope } from './conversation.ts';
import type { ErrorReply, PrefixBreak, Turn, TurnStatus, TurnUsage } from './turn.ts';
import type { ErrorCode } from '../domain/errors.ts';

export interface AcceptTurn {
  readonly turnId: string;
  readonly scope: Scope;
  readonly conversationId: string;
  /** Present when the turn opens the conversation. */
  readonly create?: { readonly title: string | null };
  /** Head that the turn was built on; the turn is refused with `head_moved` if it is not the head any more. */
  readonly head: string | null;
  /**
   * The turn since which nothing of the conversation was read: the turn is refused with `outdated` unless this one was
   * the last to be accepted for it, and nothing but its own end can have changed the conversation since.
   */
  readonly after?: string;
  /** What the input goes under: the head, or any other node of the conversation for a branch. */
  readonly parentNode: string | null;
  /** Present when the turn starts a new epoch (always on create). It becomes the conversation's when the head moves. */
  readonly epoch?: Epoch;
  /** The turn's own messages in order, each the parent of the next, the first on parentNode. Empty to answer again. */
  readonly input: readonly ConversationNode[];
  /** The message that is answered: the last of input, or, to answer again, parentNode itself. */
  readonly inputNode: string;
  readonly blobs: readonly Blob[];
  readonly idempotencyKey: string | null;
  readonly requestFingerprint: string;
  /** Prompt tokens that the upstream should find in its KV cache; null when nothing is known. */
  readonly expectedCachedTokens: number | null;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

export type AcceptOutcome =
  | { readonly outcome: 'accepted' }
  /** Another turn of the conversation is active. */
  | { readonly outcome: 'busy'; readonly turnId: string }
  | { readonly outcome: 'head_moved'; readonly head: string | null }
  /** The conversation may have changed since `after`: it has to be read anew. */
  | { readonly outcome: 'outdated' }
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
  /** Kept for a repetition of the request, which has to get the same reply. */
  readonly errorReply?: ErrorReply;
  readonly usage: TurnUsage;
  readonly prefixBreak?: PrefixBreak | null;
  readonly ttftMs: number | null;
  /** Unix milliseconds. */
  readonly endedAt: number;
  /** The last event that `output` takes in: the ending is refused when another has been written since. */
  readonly lastSeq?: number;
}

/**
 * `requested`: the process that runs the turn will find the request. `unattended`: no other process runs it, because it
 * died, or because it is this one. `over`: the turn has ended, or is gone.
 */
export type CancelRequest = 'requested' | 'unattended' | 'over';

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

export interface ForkConversation {
  readonly scope: Scope;
  readonly id: string;
  /** The last node that the fork shares. */
  readonly node: string;
  readonly newId: string;
  readonly title: string | null;
  readonly createdAt: number;
}

/** A conversation whole: what an export holds and an import takes. */
export interface ConversationArchive {
  readonly conversation: Conversation;
  readonly epochs: readonly Epoch[];
  /** Of all branches, parents before children. */
  readonly nodes: readonly ConversationNode[];
  readonly blobs: readonly Blob[];
  /** Terminal ones, oldest first, without their events. */
  readonly turns: readonly Turn[];
}

export type MoveOutcome = 'moved' | 'busy' | 'no_such_node' | 'not_found';

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
  /** The turn that an idempotency key of this owner made; null when there is none. */
  turnWithKey(owner: string, key: string): Promise<Turn | null>;
  /** The turn whose answer this node is; null for any other node. */
  turnSealing(conversationId: string, node: string): Promise<Turn | null>;
  /** Everything of a conversation; null when unknown, deleted, or in another scope. */
  archive(scope: Scope, id: string): Promise<ConversationArchive | null>;
  /** A turn's events with a seq above `after`, in order. */
  events(turnId: string, after: number): Promise<TurnEvent[]>;
  /** The open turns of this process that another one wants ended. */
  cancelRequests(): Promise<string[]>;

  /** Durable (fsync) when resolved: the question survives a crash from then on. */
  accept(turn: AcceptTurn): Promise<AcceptOutcome>;
  /** accepted -> streaming. */
  start(turn: StartTurn): Promise<void>;
  /**
   * Written when resolved (a crash of the process does not lose it), not necessarily fsync'd. A repeated seq keeps the
   * first. False when a turn of theirs is over or gone: nothing of that turn was written, nothing may follow its end.
   */
  append(events: readonly TurnEvent[]): Promise<boolean>;
  /** Asks the process that runs a turn to end it. */
  requestCancel(turnId: string): Promise<CancelRequest>;
  /** Durable (fsync) when resolved; false when the turn was terminal already, or is gone, or more was written, and nothing changed. */
  finish(turn: FinishTurn): Promise<boolean>;
  /** The changed conversation, or null when unknown, deleted, or in another scope. */
  change(scope: Scope, id: string, changes: ConversationChanges): Promise<Conversation | null>;
  /** Everything of it is gone when resolved: rows, text index, events, blobs that nothing else shows. False when there was none. */
  remove(scope: Scope, id: string): Promise<boolean>;

  /** A new conversation in the same scope, with copies of the path up to a node; null when either is not there. */
  fork(fork: ForkConversation): Promise<Conversation | null>;
  /** Takes an archive in under its own ids, for this scope; false when the conversation's id is taken. */
  restore(scope: Scope, archive: ConversationArchive): Promise<boolean>;
  /** Makes another node the head: the end of the branch that goes on. */
  moveHead(scope: Scope, id: string, node: string): Promise<MoveOutcome>;
  /** A title made by a model: taken unless a person has given one. */
  suggestTitle(conversationId: string, title: string): Promise<void>;
  /** Removes the events of turns that ended before then (Unix milliseconds), a bounded number at once; resolves to how many. */
  collectEvents(endedBefore: number): Promise<number>;
  /**
   * Ends the turns that a process left open when it died: failed with `upstream_interrupted`. Turns of processes
   * that still live are left alone. Resolves to how many it ended.
   */
  recover(endedAt: number): Promise<number>;
  /** Resolves when the store answers a read and a write; rejects with `storage_unavailable` otherwise. */
  probe(): Promise<void>;
  /** Lets go of what is kept only to be quick: nobody has asked for a while. */
  rest(): Promise<void>;
  /** Writes what is queued, then lets go of the file. */
  close(): Promise<void>;
}
