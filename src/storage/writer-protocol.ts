// What the event loop's thread and the writer's thread say to each other: one batch of commands at a time, each
// answered with as many results.
import type { Conversation, Scope } from '../conversations/conversation.ts';
import type {
  AcceptOutcome,
  AcceptTurn,
  CancelRequest,
  ConversationArchive,
  ConversationChanges,
  FinishTurn,
  ForkConversation,
  MoveOutcome,
  StartTurn,
  TurnEvent,
} from '../conversations/store.ts';
import type { Durability } from './connection.ts';
import type { WriteFailure } from './failure.ts';

/** Every write: what it needs and what it answers. */
export interface Writes {
  accept: { input: AcceptTurn; result: AcceptOutcome };
  start: { input: StartTurn; result: void };
  append: { input: readonly TurnEvent[]; result: boolean };
  requestCancel: { input: { readonly turnId: string }; result: CancelRequest };
  finish: { input: FinishTurn; result: boolean };
  change: { input: ConversationChange; result: Conversation | null };
  remove: { input: ConversationRef; result: boolean };
  fork: { input: ForkConversation; result: Conversation | null };
  restore: { input: ConversationRestore; result: boolean };
  moveHead: { input: HeadMove; result: MoveOutcome };
  suggestTitle: { input: TitleSuggestion; result: void };
  collectEvents: { input: { readonly endedBefore: number }; result: number };
  recover: { input: { readonly endedAt: number }; result: number };
  probe: { input: null; result: void };
  rest: { input: null; result: void };
}

export interface ConversationRef {
  readonly scope: Scope;
  readonly id: string;
}

export interface ConversationChange extends ConversationRef {
  readonly changes: ConversationChanges;
}

export interface ConversationRestore {
  readonly scope: Scope;
  readonly archive: ConversationArchive;
}

export interface HeadMove extends ConversationRef {
  readonly node: string;
}

export interface TitleSuggestion {
  readonly id: string;
  readonly title: string;
}

export type WriteKind = keyof Writes;
export type Command = {
  [K in WriteKind]: { readonly kind: K; readonly input: Writes[K]['input'] };
}[WriteKind];

export interface Batch {
  readonly commands: readonly Command[];
  /** Turns whose acceptance failed after it may have been written: nobody works on them, so they are ended. */
  readonly abandoned: readonly string[];
  /** How long the oldest command has been queued: it counts towards the time that may be waited for a lock. */
  readonly waitedMs: number;
}

export type CommandResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: WriteFailure };

export interface BatchResult {
  /** One for each command, in order. */
  readonly results: readonly CommandResult[];
  /** `unknown`: COMMIT failed in a way that leaves open whether the batch is on disk. */
  readonly outcome: 'committed' | 'rolled_back' | 'unknown';
}

export interface LedgerOptions {
  readonly path: string;
  readonly durability: Durability;
  /** Id of this process's instance, whose lock is held. */
  readonly instance: string;
}

export type ToWriter =
  | { readonly type: 'open'; readonly options: LedgerOptions }
  | { readonly type: 'batch'; readonly batch: Batch }
  | { readonly type: 'close' };

export type FromWriter =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly failure: WriteFailure }
  | { readonly type: 'done'; readonly result: BatchResult }
  | { readonly type: 'closed' };
