// The paths of conversations, kept in memory: a turn that is not at hand from the turn before (chat/kept-conversations.ts),
// as on a branch or where several processes share the file, reads all messages of its conversation, and nearly all of
// them are those that the turn before has read. Messages never change, but a conversation can be removed and
// imported again with other messages under the same ids. So nothing is taken from here on its id alone: the caller
// gives a node as it is in the database now, whose hash stands for every byte of the messages before it.
import type { ConversationNode } from '../conversations/conversation.ts';
import { createWeighedMap } from '../domain/weighed-map.ts';

/** Some 15,000 messages of a few sentences, or 100 long conversations. Twice that in the worst case: UTF-16. */
const MAX_CHARS = 8 * 1024 * 1024;

/** What a node takes beside its texts. */
const CHARS_PER_NODE = 300;

/** Shorter paths are read as quickly as they are looked up. */
const LEAST_NODES = 8;

export interface PathCache {
  /** The path up to and with this node, if it is known. */
  upTo(
    conversation: string,
    node: Pick<ConversationNode, 'id' | 'depth' | 'prefixHash'>,
  ): readonly ConversationNode[] | null;
  keep(conversation: string, path: readonly ConversationNode[]): void;
  forget(conversation: string): void;
  clear(): void;
}

export function createPathCache(maxChars = MAX_CHARS): PathCache {
  type Path = readonly ConversationNode[];
  const paths = createWeighedMap<Path>({ mostInAll: maxChars, mostEach: maxChars / 4 });
  return {
    upTo(conversation, { id, depth, prefixHash }) {
      const path = paths.get(conversation);
      const known = path?.[depth];
      if (path === undefined || known?.id !== id || known.prefixHash !== prefixHash) return null;
      return path.slice(0, depth + 1);
    },
    keep(conversation, path) {
      if (path.length < LEAST_NODES) return paths.delete(conversation);
      const chars = path.reduce((sum, node) => sum + charsOf(node), 0);
      paths.set(conversation, path, chars);
    },
    forget: paths.delete,
    clear: paths.clear,
  };
}

function charsOf({ wire, text, extra }: ConversationNode): number {
  return CHARS_PER_NODE + wire.length + text.length + (extra?.length ?? 0);
}
