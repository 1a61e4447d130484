// The thread that is shown: opened from the gateway, refreshed after a turn, moved to another branch.
import { batch } from '@preact/signals';
import { ownError } from '../../../client/errors.ts';
import { toolDrafts } from '../request/settings.ts';
import type { MessageNode } from '../thread/message.ts';
import { numbersOf, type ShownTurn } from '../thread/numbers.ts';
import { leafOf, pathTo, treeOf } from '../thread/tree.ts';
import { askJson, failureOf, type Failure } from './ask-gateway.ts';
import {
  attached,
  chosenModel,
  draft,
  editing,
  emptyThread,
  isOpening,
  live,
  models,
  notice,
  settings,
  thread,
  toolResults,
  type Mode,
  type Thread,
} from './state.ts';

/** GET /c1/conversations/{id}?tree=1 */
interface StoredConversation {
  readonly id: string;
  readonly title: string | null;
  readonly model: string;
  readonly system: string | null;
  readonly tools: readonly unknown[];
  readonly head: string | null;
  readonly messages: readonly MessageNode[];
  readonly turns: readonly ShownTurn[];
}

/** What a message that was just asked or answered was drawn under, by its id. */
export const drawnAs = new Map<string, string>();
/** What the gateway changed of the requests of this page, by answer: the header is on the reply alone. */
export const appliedTo = new Map<string, string>();

/** The thread that waits while the other mode is used. */
const parked = new Map<Mode, Thread>();
let opened = 0;

export async function openConversation(id: string): Promise<void> {
  const mine = ++opened;
  leaveLive();
  isOpening.value = true;
  try {
    const stored = await askJson<StoredConversation>(`/c1/conversations/${id}?tree=1`);
    if (mine !== opened) return;
    batch(() => {
      clearDraft();
      thread.value = threadOf(stored);
      settings.value = { ...settings.value, tools: toolDrafts(stored.tools) };
      if (models.value.some(({ alias }) => alias === stored.model))
        chosenModel.value = stored.model;
    });
    showAddress(id);
  } catch (thrown) {
    if (mine !== opened) return;
    const { code, message } = failureOf(thrown);
    notice.value = code === 'conversation_not_found' ? 'This conversation is gone.' : message;
    startThread(thread.value.mode);
  } finally {
    if (mine === opened) isOpening.value = false;
  }
}

/** After a turn: what the gateway has kept of it. `known` is more of its failure than the gateway keeps. */
export async function fetchThread(id: string, known: Failure | null): Promise<Thread> {
  const stored = await askJson<StoredConversation>(`/c1/conversations/${id}?tree=1`);
  return threadOf(stored, known);
}

export function startThread(mode: Mode): void {
  opened++;
  leaveLive();
  batch(() => {
    clearDraft();
    isOpening.value = false;
    thread.value = emptyThread(mode);
  });
  parked.delete(mode);
  showAddress(null);
}

/** The other mode, with the thread that it was left with. */
export function switchMode(mode: Mode): void {
  if (mode === thread.value.mode) return;
  parked.set(thread.value.mode, thread.value);
  const waiting = parked.get(mode);
  startThread(mode);
  if (!waiting) return;
  thread.value = waiting;
  showAddress(waiting.id);
}

/** Shows another branch, and lets the gateway go on with it. */
export async function showBranch(message: string): Promise<void> {
  const { id, mode, tree } = thread.value;
  const tip = leafOf(tree, message);
  const isAnswer = tree.nodes.get(tip)?.role === 'assistant';
  thread.value = { ...thread.value, tip, ...(mode === 'v1' ? { head: tip } : {}) };
  // A question whose turn failed is no end that the gateway could go on with.
  if (mode === 'v1' || id === null || !isAnswer) return;
  try {
    await askJson(`/c1/conversations/${id}`, { method: 'PATCH', body: { head: tip } });
    if (thread.value.id === id) thread.value = { ...thread.value, head: tip };
  } catch (thrown) {
    notice.value = failureOf(thrown).message;
  }
}

export function shownPath({ tree, tip }: Thread): MessageNode[] {
  return pathTo(tree, tip);
}

/** Stops following an answer, which goes on in the gateway. */
export function leaveLive(): void {
  live.value?.controller.abort();
  live.value = null;
}

export function clearDraft(): void {
  draft.value = '';
  attached.value = [];
  editing.value = null;
  toolResults.value = new Map();
}

export function showAddress(id: string | null): void {
  const hash = id === null ? '' : `#${id}`;
  if (location.hash === hash) return;
  history.pushState(null, '', `${location.pathname}${hash}`);
}

function threadOf(stored: StoredConversation, known: Failure | null = null): Thread {
  const tree = treeOf(stored.messages);
  const numbers = new Map(
    stored.turns.flatMap((turn) =>
      turn.output_node === null ? [] : [[turn.output_node, numbersOf(turn)] as const],
    ),
  );
  const failures = new Map(
    stored.turns.flatMap((turn) =>
      turn.output_node === null ? [[turn.input_node, told(turn)] as const] : [],
    ),
  );
  const last = stored.turns.at(-1);
  const isAside = last?.output_node === null && !tree.children.has(last.input_node);
  const goesOn = isAside && last.parent === stored.head;
  if (isAside && known) failures.set(last.input_node, known);
  return {
    mode: 'c1',
    id: stored.id,
    title: stored.title,
    system: stored.system,
    hasTools: stored.tools.length > 0,
    tree,
    head: stored.head,
    tip: goesOn ? last.input_node : stored.head,
    numbers,
    failures,
  };
}

/** The gateway keeps a failed turn's code, and /errors the words to it. */
function told({ error_code: code, status }: ShownTurn): Failure {
  const isCancelled = status === 'cancelled';
  return {
    ...ownError('network_error', ''),
    code: code ?? (isCancelled ? 'turn_cancelled' : 'internal_error'),
    retryable: true,
  };
}
