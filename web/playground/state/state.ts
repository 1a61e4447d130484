// All that the playground knows, in one place. Components read it, the files beside this one change it.
import { signal } from '@preact/signals';
import { keptToken } from '../../shell/token.ts';
import type { ToolResult } from '../request/body.ts';
import { DEFAULT_SETTINGS, type Settings } from '../request/settings.ts';
import type { MessageNode } from '../thread/message.ts';
import type { AnswerNumbers } from '../thread/numbers.ts';
import { EMPTY_TREE, type Tree } from '../thread/tree.ts';
import type { Failure } from './ask-gateway.ts';
import type { Live } from './live.ts';
import type { Model } from './models.ts';
import { restored } from './kept.ts';

/** With memory, through /c1; or stateless, through /v1, the history kept by the page. */
export type Mode = 'c1' | 'v1';

export interface Thread {
  readonly mode: Mode;
  /** Null until the gateway has made the conversation, and always without memory. */
  readonly id: string | null;
  readonly title: string | null;
  /** What it was begun with; null where nothing was, or it has not begun. */
  readonly system: string | null;
  readonly hasTools: boolean;
  readonly tree: Tree;
  /** The end of the branch that the gateway goes on with. */
  readonly head: string | null;
  /** The end of the branch that is shown: the head, or a question beside it whose turn failed. */
  readonly tip: string | null;
  /** By answer. */
  readonly numbers: ReadonlyMap<string, AnswerNumbers>;
  /** By question, or last tool result. */
  readonly failures: ReadonlyMap<string, Failure>;
}

export interface ConversationSummary {
  readonly id: string;
  readonly title: string | null;
  readonly model: string;
  readonly message_count: number;
  readonly last_used_at: number;
}

export interface ConversationList {
  readonly query: string;
  readonly items: readonly ConversationSummary[];
  readonly total: number;
  readonly isLoading: boolean;
  readonly failure: Failure | null;
}

export interface AttachedImage {
  readonly name: string;
  readonly url: string;
  readonly bytes: number;
}

export type Dialog =
  | { readonly name: 'models' | 'code' | 'shortcuts' }
  | { readonly name: 'delete'; readonly conversation: ConversationSummary }
  | { readonly name: 'image'; readonly url: string }
  | { readonly name: 'tool'; readonly index: number | null };

export function emptyThread(mode: Mode): Thread {
  return {
    mode,
    id: null,
    title: null,
    system: null,
    hasTools: false,
    tree: EMPTY_TREE,
    head: null,
    tip: null,
    numbers: new Map(),
    failures: new Map(),
  };
}

const before = restored();

export const token = signal<string | null>(keptToken());
/** Why the token is asked for again. */
export const signInNotice = signal<string | null>(null);

export const models = signal<readonly Model[]>([]);
export const modelsFailure = signal<Failure | null>(null);
export const chosenModel = signal(before.model);
export const settings = signal<Settings>({ ...DEFAULT_SETTINGS, ...before.settings });

export const thread = signal<Thread>(emptyThread(before.mode));
export const isOpening = signal(false);
/** The answer that is on its way, or the one that failed before it had a place in the tree. */
export const live = signal<Live | null>(null);
export const conversations = signal<ConversationList>({
  query: '',
  items: [],
  total: 0,
  isLoading: false,
  failure: null,
});

/** What is being written. */
export const draft = signal('');
export const attached = signal<readonly AttachedImage[]>([]);
/** The question that is being edited, which the draft is to stand beside. */
export const editing = signal<MessageNode | null>(null);
/** Results typed in for the tool calls at the end of the thread, by call. */
export const toolResults = signal<ReadonlyMap<string, ToolResult>>(new Map());

/** Which of the two sides is open; on a wide screen the conversations always are. */
export const drawer = signal<'none' | 'conversations' | 'settings'>('none');
export const dialog = signal<Dialog | null>(null);
/** Something went wrong beside the thread: said at the foot of the page until it is closed. */
export const notice = signal<string | null>(null);
/** What a screen reader is told. Never an answer's words. */
export const announcement = signal('');
