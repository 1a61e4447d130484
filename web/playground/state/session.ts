// Signing in and out, and what is loaded when somebody is in.
import { batch, effect } from '@preact/signals';
import { forgetToken } from '../../shell/token.ts';
import { refreshConversations } from './conversations.ts';
import { forgetAll, keepChoices } from './kept.ts';
import { loadModels } from './models.ts';
import {
  chosenModel,
  conversations,
  dialog,
  drawer,
  models,
  settings,
  signInNotice,
  thread,
  token,
} from './state.ts';
import { openConversation, startThread } from './thread.ts';
import { resume } from './turns.ts';

export async function signIn(typed: string): Promise<void> {
  signInNotice.value = null;
  token.value = typed;
  await begin();
}

export function signOut(): void {
  startThread('c1');
  forgetToken();
  forgetAll();
  batch(() => {
    token.value = null;
    signInNotice.value = null;
    models.value = [];
    conversations.value = { ...conversations.value, query: '', items: [], total: 0 };
    drawer.value = 'none';
    dialog.value = null;
  });
}

/** Loads what a signed-in page shows, and finds the conversation of its address. */
export async function begin(): Promise<void> {
  await Promise.all([loadModels(), refreshConversations(), showAddressed()]);
}

/** The conversation that the address names, or a new one. */
export async function showAddressed(): Promise<void> {
  const id = /^#(conv_\w+)$/.exec(location.hash)?.[1] ?? null;
  if (id === null) {
    if (thread.value.id !== null) startThread('c1');
  } else if (thread.value.id !== id) await openConversation(id);
  if (thread.value.mode === 'c1') await resume(thread.value.id);
}

export async function showConversation(id: string): Promise<void> {
  await openConversation(id);
  await resume(thread.value.id);
}

/** Keeps what was chosen over a reload, whenever it changes. */
export function keepWhatIsChosen(): void {
  effect(() => {
    if (token.value === null) return;
    keepChoices({
      mode: thread.value.mode,
      model: chosenModel.value,
      settings: settings.value,
    });
  });
}
