// Where conversations that go on stand, kept in memory: the head, the epoch, who answered last, the prompt so far. The
// next turn is built on it without reading the store, and names the turn that it goes on from: the store refuses it
// as outdated where anything may have happened to the conversation since, here or in another process.
import type { Conversation, ConversationNode, Scope } from '../conversations/conversation.ts';
import type { Turn } from '../conversations/turn.ts';
import { MAX_KEPT_PROMPT_BYTES } from '../domain/limits.ts';
import { createWeighedMap } from '../domain/weighed-map.ts';
import type { KeptPrompt } from '../prompt/kept-prompt.ts';
import type { TurnBefore } from '../prompt/prefix.ts';

/** The turn that a prompt goes on from, as far as the next one wants to know it. */
export type AnsweredTurn = TurnBefore & Pick<Turn, 'outputNode' | 'endedAt'>;

export interface KeptConversation {
  readonly scope: Scope;
  readonly conversation: Pick<Conversation, 'id' | 'head' | 'epoch'>;
  readonly head: ConversationNode;
  readonly before: AnsweredTurn;
  /** The turn whose answer the head is. */
  readonly turnId: string;
  readonly prompt: KeptPrompt;
}

export interface KeptConversations {
  find(scope: Scope, id: string): KeptConversation | null;
  keep(kept: KeptConversation): void;
  forget(id: string): void;
  clear(): void;
}

export function keepConversations(maxBytes = MAX_KEPT_PROMPT_BYTES): KeptConversations {
  // One that is larger than an eighth would drive out too many others.
  const entries = createWeighedMap<KeptConversation>({
    mostInAll: maxBytes,
    mostEach: maxBytes / 8,
  });
  return {
    find({ owner, userId }, id) {
      const kept = entries.get(id);
      const isTheirs = kept?.scope.owner === owner && kept.scope.userId === userId;
      return isTheirs ? kept : null;
    },
    keep: (kept) => entries.set(kept.conversation.id, kept, bytesOf(kept)),
    forget: entries.delete,
    clear: entries.clear,
  };
}

/** What an entry takes beside its texts. */
const USUAL_BYTES = 2_000;

/** At most: a text takes one byte a character, or two. */
function bytesOf({ prompt }: KeptConversation): number {
  const open = prompt.open.reduce(
    (sum, { wire, text, extra }) => sum + wire.length + text.length + (extra?.length ?? 0),
    0,
  );
  return USUAL_BYTES + prompt.bytes.buffer.byteLength + 2 * (prompt.text.length + open);
}
