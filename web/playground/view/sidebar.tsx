// The conversations that the gateway keeps: searched, opened, named, exported, deleted.
import type { TargetedKeyboardEvent } from 'preact';
import { useState } from 'preact/hooks';
import { ErrorNote } from './error-note.tsx';
import { Icon, IconButton } from './icon.tsx';
import { focusComposer } from '../state/compose.ts';
import {
  download,
  loadMore,
  refreshConversations,
  rename,
  search,
} from '../state/conversations.ts';
import { showConversation, signOut } from '../state/session.ts';
import { conversations, dialog, drawer, thread, type ConversationSummary } from '../state/state.ts';
import { startThread } from '../state/thread.ts';

export function Sidebar() {
  const { items, total, query, isLoading, failure } = conversations.value;
  return (
    <nav id="conversations" class="sidebar" aria-label="Conversations">
      <div class="sidebar-top">
        <button class="button new" type="button" onClick={beginNew}>
          <Icon name="plus" size={16} /> New conversation
        </button>
        <IconButton
          class="drawer-close"
          icon="close"
          label="Close the conversations"
          onClick={closeDrawer}
        />
      </div>
      <div class="search">
        <Icon name="search" size={16} />
        <input
          id="search"
          class="field"
          type="search"
          aria-label="Search conversations"
          placeholder="Search"
          value={query}
          onInput={({ currentTarget }) => search(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') moveIn(event, 0);
          }}
        />
      </div>
      <div class="conversation-list" onKeyDown={onArrow}>
        {grouped(items).map(([label, group]) => (
          <section key={label} aria-label={label}>
            <h2>{label}</h2>
            <ul>
              {group.map((item) => (
                <Item key={item.id} item={item} />
              ))}
            </ul>
          </section>
        ))}
        {failure ? (
          <ErrorNote failure={failure} onRetry={() => void refreshConversations()} />
        ) : null}
        {items.length === 0 && !isLoading && !failure ? (
          <p class="hint">
            {query.trim() === ''
              ? 'Nothing is kept yet. The first message begins a conversation.'
              : 'Nothing found. Every word has to occur in the title or in a message.'}
          </p>
        ) : null}
        {items.length < total ? (
          <button
            class="button quiet small more"
            type="button"
            disabled={isLoading}
            onClick={() => void loadMore()}
          >
            Show more ({total - items.length})
          </button>
        ) : null}
      </div>
      <div class="sidebar-foot">
        <IconButton
          icon="keyboard"
          label="Keyboard shortcuts"
          onClick={() => (dialog.value = { name: 'shortcuts' })}
        />
        <button class="button quiet small" type="button" onClick={signOut}>
          <Icon name="leave" size={16} /> Sign out
        </button>
      </div>
    </nav>
  );
}

export function beginNew(): void {
  startThread(thread.value.mode);
  closeDrawer();
  focusComposer();
}

export function closeDrawer(): void {
  drawer.value = 'none';
}

function Item({ item }: { item: ConversationSummary }) {
  const [isRenaming, setRenaming] = useState(false);
  const title = item.title ?? 'Without a title';
  if (isRenaming) return <RenameField item={item} onDone={() => setRenaming(false)} />;
  const isOpen = thread.value.id === item.id;
  return (
    <li class={isOpen ? 'open' : ''}>
      <button
        class="conversation"
        type="button"
        aria-current={isOpen ? 'true' : undefined}
        title={`${title} (${item.model})`}
        onClick={() => {
          closeDrawer();
          if (!isOpen) void showConversation(item.id);
        }}
      >
        <bdi>{title}</bdi>
      </button>
      <div class="conversation-actions">
        <IconButton icon="pencil" label={`Rename ${title}`} onClick={() => setRenaming(true)} />
        <IconButton
          icon="download"
          label={`Export ${title}`}
          onClick={() => void download(item.id)}
        />
        <IconButton
          icon="trash"
          label={`Delete ${title}`}
          onClick={() => (dialog.value = { name: 'delete', conversation: item })}
        />
      </div>
    </li>
  );
}

function RenameField({ item, onDone }: { item: ConversationSummary; onDone: () => void }) {
  const finish = (value: string): void => {
    const title = value.trim();
    if (title !== '' && title !== item.title) void rename(item.id, title);
    onDone();
  };
  return (
    <li class="renaming">
      <input
        class="field"
        aria-label="Title"
        maxLength={200}
        defaultValue={item.title ?? ''}
        ref={(element) => {
          if (element && document.activeElement !== element) element.select();
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Enter') finish(event.currentTarget.value);
          if (event.key === 'Escape') onDone();
        }}
        onBlur={({ currentTarget }) => finish(currentTarget.value)}
      />
    </li>
  );
}

function onArrow(event: TargetedKeyboardEvent<HTMLElement>): void {
  const entries = conversationButtons();
  const at = entries.findIndex((entry) => entry === document.activeElement);
  if (at === -1) return;
  if (event.key === 'ArrowDown') moveIn(event, at + 1);
  else if (event.key === 'ArrowUp' && at === 0) moveTo(event, document.querySelector('#search'));
  else if (event.key === 'ArrowUp') moveIn(event, at - 1);
  else if (event.key === 'Home') moveIn(event, 0);
  else if (event.key === 'End') moveIn(event, entries.length - 1);
}

function moveIn(event: Event, index: number): void {
  moveTo(event, conversationButtons()[index] ?? null);
}

function moveTo(event: Event, element: HTMLElement | null): void {
  if (!element) return;
  event.preventDefault();
  element.focus();
}

function conversationButtons(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('.conversation-list .conversation')];
}

/** By when they were last used. */
function grouped(items: readonly ConversationSummary[]): [string, ConversationSummary[]][] {
  const today = new Date().setHours(0, 0, 0, 0) / 1000;
  const day = 86_400;
  const groups = new Map<string, ConversationSummary[]>();
  for (const item of items) {
    const at = item.last_used_at;
    const label =
      at >= today
        ? 'Today'
        : at >= today - day
          ? 'Yesterday'
          : at >= today - 7 * day
            ? 'Last seven days'
            : 'Earlier';
    groups.set(label, [...(groups.get(label) ?? []), item]);
  }
  return [...groups];
}
