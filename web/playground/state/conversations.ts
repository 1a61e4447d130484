// The list of conversations: searched, paged, named, exported and deleted.
import { ask, askJson, failureOf } from './ask-gateway.ts';
import { conversations, notice, thread, type ConversationSummary } from './state.ts';
import { startThread } from './thread.ts';

const PAGE = 30;
const TYPING_MS = 180;

interface Page {
  readonly items: readonly ConversationSummary[];
  readonly total: number;
}

let pending: AbortController | null = null;
let typing: ReturnType<typeof setTimeout> | undefined;

/** Waits until the typing has paused. */
export function search(query: string): void {
  conversations.value = { ...conversations.value, query };
  clearTimeout(typing);
  typing = setTimeout(() => void refreshConversations(), TYPING_MS);
}

/** From the first page on, with the query that is typed in. */
export async function refreshConversations(): Promise<void> {
  await load(0, Math.min(100, Math.max(PAGE, conversations.value.items.length)));
}

export async function loadMore(): Promise<void> {
  await load(conversations.value.items.length, PAGE);
}

async function load(offset: number, limit: number): Promise<void> {
  pending?.abort();
  const mine = new AbortController();
  pending = mine;
  const { query } = conversations.value;
  conversations.value = { ...conversations.value, isLoading: true };
  try {
    const asked = new URLSearchParams({ offset: String(offset), limit: String(limit), q: query });
    const { items, total } = await askJson<Page>(`/c1/conversations?${asked}`, {
      signal: mine.signal,
    });
    const before = offset === 0 ? [] : conversations.value.items;
    const seen = new Set(before.map(({ id }) => id));
    conversations.value = {
      ...conversations.value,
      items: [...before, ...items.filter(({ id }) => !seen.has(id))],
      total,
      isLoading: false,
      failure: null,
    };
  } catch (thrown) {
    if (mine.signal.aborted) return;
    conversations.value = {
      ...conversations.value,
      isLoading: false,
      failure: failureOf(thrown),
    };
  }
}

export async function rename(id: string, title: string): Promise<void> {
  await attempt(async () => {
    const changed = await askJson<ConversationSummary>(`/c1/conversations/${id}`, {
      method: 'PATCH',
      body: { title },
    });
    const items = conversations.value.items.map((item) =>
      item.id === id ? { ...item, title: changed.title } : item,
    );
    conversations.value = { ...conversations.value, items };
    if (thread.value.id === id) thread.value = { ...thread.value, title: changed.title };
  });
}

export async function remove(id: string): Promise<void> {
  await attempt(async () => {
    await ask(`/c1/conversations/${id}`, { method: 'DELETE' });
    if (thread.value.id === id) startThread('c1');
    await refreshConversations();
  });
}

/** All branches, as JSON Lines that POST /c1/import takes back. */
export async function download(id: string): Promise<void> {
  await attempt(async () => {
    const lines = await (await ask(`/c1/conversations/${id}/export`)).blob();
    const url = URL.createObjectURL(lines);
    const link = document.createElement('a');
    link.href = url;
    link.download = `${id}.jsonl`;
    link.click();
    URL.revokeObjectURL(url);
  });
}

async function attempt(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (thrown) {
    notice.value = failureOf(thrown).message;
  }
}
