// Nodes are sealed when they are made: the wire's bytes, and the hash that chains them to all that came before.
import { newId } from '../domain/ids.ts';
import type { ConversationNode } from './conversation.ts';

export type NewNode = Pick<
  ConversationNode,
  'role' | 'wire' | 'extra' | 'text' | 'blobs' | 'createdAt'
>;

/** A node under `parent`, or the first of a conversation. */
export function sealNode(
  parent: Pick<ConversationNode, 'id' | 'depth' | 'prefixHash'> | null,
  node: NewNode,
): ConversationNode {
  return {
    ...node,
    id: newId('node'),
    parent: parent?.id ?? null,
    depth: parent === null ? 0 : parent.depth + 1,
    prefixHash: chainHash(parent?.prefixHash ?? '', node.wire),
  };
}

/** H(parent's hash || wire), in hex. */
export function chainHash(parentHash: string, wire: string): string {
  // A third of what node:crypto's takes, between other work.
  return new Bun.SHA256().update(parentHash).update(wire).digest('hex');
}
