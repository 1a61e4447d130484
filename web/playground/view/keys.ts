// The keys that work everywhere on the page.
import { focusComposer, isAnswering } from '../state/compose.ts';
import { dialog, drawer } from '../state/state.ts';
import { stop } from '../state/turns.ts';
import { coveringDrawer } from './drawers.ts';
import { beginNew } from './sidebar.tsx';

export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || dialog.value !== null) return;
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  action();
}

function actionOf(event: KeyboardEvent): (() => void) | null {
  const { key, altKey, shiftKey } = event;
  const withCommand = event.ctrlKey || event.metaKey;
  if (key === 'Escape') return escape();
  if (withCommand && !shiftKey && key.toLowerCase() === 'k') return toSearch;
  if (withCommand && shiftKey && key.toLowerCase() === 'o') return beginNew;
  if (withCommand && key === ',') return toggleSettings;
  if (altKey && key === 'ArrowUp') return () => toMessage(-1);
  if (altKey && key === 'ArrowDown') return () => toMessage(1);
  if (withCommand || altKey || isTyping(event.target)) return null;
  if (key === '?') return () => (dialog.value = { name: 'shortcuts' });
  return key === '/' ? focusComposer : null;
}

function escape(): (() => void) | null {
  if (isAnswering()) return () => void stop();
  if (drawer.value === 'none') return null;
  return () => {
    const isCovering = coveringDrawer() !== null;
    drawer.value = 'none';
    if (!isCovering) focusComposer();
  };
}

function toSearch(): void {
  drawer.value = 'conversations';
  const focus = (): void => {
    const field = document.querySelector<HTMLInputElement>('#search');
    field?.focus();
    field?.select();
  };
  // A side that lies over the thread has to be there before it can have the focus.
  if (coveringDrawer() === null) focus();
  else requestAnimationFrame(focus);
}

export function toggleSettings(): void {
  drawer.value = drawer.value === 'settings' ? 'none' : 'settings';
}

function toMessage(step: number): void {
  const messages = [...document.querySelectorAll<HTMLElement>('[data-message]')];
  const at = messages.findIndex((message) => message.contains(document.activeElement));
  const next = at === -1 ? (step < 0 ? messages.length - 1 : messages.length) : at + step;
  const message = messages[next];
  if (!message) return focusComposer();
  message.focus();
  message.scrollIntoView({ block: 'nearest' });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input, textarea, select, [contenteditable]');
}
