// Turns: asking, asking again, editing, stopping, and finding one again after a reload.
import { batch } from '@preact/signals';
import { createChatClient } from '../../../client/index.ts';
import type { Turn } from '../../../client/types.ts';
import { rememberedBody, type RememberedAsk } from '../request/body.ts';
import { question, type Message } from '../thread/message.ts';
import type { ShownTurn } from '../thread/numbers.ts';
import { askJson, failureOf, type Failure } from './ask-gateway.ts';
import { refreshConversations } from './conversations.ts';
import { forgetTurn, keepTurn, keptTurn, type RunningTurn } from './kept.ts';
import { Live } from './live.ts';
import { askStateless } from './stateless.ts';
import {
  announcement,
  chosenModel,
  live,
  notice,
  settings,
  thread,
  token,
  type Thread,
} from './state.ts';
import { appliedTo, drawnAs, fetchThread, leaveLive, showAddress } from './thread.ts';

/** What is asked, and where in the thread. */
export interface Plan {
  readonly parent: string | null;
  /** The last question, or the last tool results, once more: nothing new is said. */
  readonly isAgain: boolean;
  readonly text: string;
  readonly images: readonly string[];
  readonly toolResults: RememberedAsk['toolResults'];
}

export function start(plan: Plan): void {
  leaveLive();
  const questions = plan.isAgain ? [] : questionsOf(plan);
  const begun = new Live({ parent: plan.parent, questions, retry: () => start(plan) });
  live.value = begun;
  announcement.value = 'The model is answering.';
  const ask = {
    model: chosenModel.value,
    settings: settings.value,
    text: plan.isAgain ? '' : plan.text,
    images: plan.isAgain ? [] : plan.images,
    toolResults: plan.isAgain ? [] : plan.toolResults,
  };
  if (thread.value.mode === 'v1') {
    void askStateless(begun, ask);
    return;
  }
  const { id, head, hasTools } = thread.value;
  const goesOn = !plan.isAgain && plan.parent === head;
  const body = rememberedBody({
    ...ask,
    conversationId: id,
    hasTools,
    ...(goesOn ? {} : { parent: plan.parent }),
  });
  const key = randomKey();
  const running: RunningTurn = { key, conversationId: id, turnId: null, body };
  keepTurn(running);
  void followTurn(begun, running);
}

/** Ends the answer that is on its way; what has come of it is kept. */
export async function stop(): Promise<void> {
  const ending = live.value;
  if (!ending || ending.status.value === 'failed') return;
  ending.status.value = 'stopping';
  if (!ending.turn) {
    ending.controller.abort();
    return;
  }
  try {
    await ending.turn.cancel();
  } catch (thrown) {
    notice.value = failureOf(thrown).message;
  }
}

/** Goes on with the turn of this conversation that was running when the page was left. */
export async function resume(conversationId: string | null): Promise<void> {
  const running = keptTurn(conversationId);
  if (!running) return;
  const { turnId, body } = running;
  if (turnId === null) {
    if (!body) return forgetTurn(running.key);
    const { message, images = [], tool_results: toolResults = [] } = body;
    const plan = { text: message ?? '', images, toolResults, isAgain: false };
    const isNew = message !== undefined || images.length > 0 || toolResults.length > 0;
    const parent = body.parent === undefined ? thread.value.head : body.parent;
    return await followTurn(showLive(parent, isNew ? questionsOf(plan) : []), running);
  }
  try {
    const turn = await askJson<ShownTurn>(`/c1/turns/${turnId}`);
    const isOver = turn.status !== 'accepted' && turn.status !== 'streaming';
    if (isOver || thread.value.id !== conversationId) return forgetTurn(running.key);
    await followTurn(showLive(turn.input_node, []), running);
  } catch (thrown) {
    forgetTurn(running.key);
    notice.value = failureOf(thrown).message;
  }
}

function showLive(parent: string | null, questions: readonly Message[]): Live {
  const retry = () => start({ parent, isAgain: true, text: '', images: [], toolResults: [] });
  const found = new Live({ parent, questions, retry });
  live.value = found;
  announcement.value = 'The model is answering.';
  return found;
}

async function followTurn(begun: Live, running: RunningTurn): Promise<void> {
  const turn = turnOf(begun, running);
  begun.turn = turn;
  turn.onChunk = (chunk, isSnapshot) => begun.take(chunk, isSnapshot);
  let failure: Failure | null = null;
  try {
    // The text comes by onChunk, too, with everything else.
    for await (const _ of turn);
  } catch (thrown) {
    if (begun.controller.signal.aborted) return;
    failure = failureOf(thrown);
  }
  // Where the gateway could not be reached, the turn may go on there: a reload finds it.
  if (failure?.code !== 'network_error') forgetTurn(running.key);
  await settle(begun, turn, failure);
}

function turnOf(begun: Live, running: RunningTurn): Turn {
  const { signal } = begun.controller;
  const client = createChatClient({
    baseUrl: '',
    token: token.value ?? '',
    async fetch(url, init) {
      const response = await fetch(url, init);
      begun.noteHeaders(response.headers);
      const turnId = response.headers.get('x-turn-id');
      const conversationId = response.headers.get('x-conversation-id') ?? running.conversationId;
      if (turnId !== null && response.ok) {
        keepTurn({ ...running, turnId, conversationId });
        if (live.value === begun) nameThread(conversationId);
      }
      return response;
    },
  });
  return running.turnId === null && running.body
    ? client.send(running.body, { idempotencyKey: running.key, signal })
    : client.follow(running.turnId ?? '', { signal });
}

/** A new conversation has its id, and the page its address, as soon as the gateway has taken the first message. */
function nameThread(id: string | null): void {
  if (id === null || thread.value.id === id) return;
  thread.value = { ...thread.value, id };
  showAddress(id);
  void refreshConversations();
}

/** The turn is over: from here on the gateway's word counts. */
async function settle(begun: Live, turn: Turn, failure: Failure | null): Promise<void> {
  const id = turn.conversationId ?? thread.value.id;
  const isRefused = failure !== null && turn.id === null;
  if (isRefused || id === null) {
    begun.fail(failure ?? failureOf(new Error('the reply named no conversation')));
    announcement.value = 'The request failed.';
    return;
  }
  try {
    const isStopped = failure?.code === 'turn_cancelled';
    const kept = await fetchThread(id, isStopped ? null : failure);
    if (live.value !== begun) return;
    adopt(kept, begun);
    batch(() => {
      thread.value = kept;
      live.value = null;
    });
    if (failure && !isStopped) tellFailure(failure, thread.value);
    announcement.value = failure
      ? isStopped
        ? 'Stopped.'
        : 'The answer failed.'
      : 'The answer is complete.';
    showAddress(id);
    await refreshConversations();
  } catch (thrown) {
    begun.fail(failure ?? failureOf(thrown));
  }
}

/** The messages that were live are drawn on as what they were. */
function adopt({ tree, tip }: Thread, begun: Live): void {
  if (tip === null) return;
  const node = tree.nodes.get(tip);
  if (node?.role !== 'assistant') return;
  drawnAs.set(tip, begun.key);
  if (begun.applied !== null) appliedTo.set(tip, begun.applied);
}

/** One that has no place in the thread, because another answer is shown there, is told beside it. */
function tellFailure(failure: Failure, { tip, failures }: Thread): void {
  if (tip === null || !failures.has(tip)) notice.value = failure.message;
}

function questionsOf({ text, images, toolResults }: Omit<Plan, 'parent'>): Message[] {
  return [
    ...toolResults.map((result): Message => ({ role: 'tool', ...result })),
    ...(text === '' && images.length === 0 ? [] : [question(text, images)]),
  ];
}

function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
