// The tree of branches: which messages are shown, which are beside them, and where a branch ends.
import type { MessageNode } from './message.ts';

export interface Tree {
  readonly nodes: ReadonlyMap<string, MessageNode>;
  /** By parent, oldest first; the first messages are under null. */
  readonly children: ReadonlyMap<string | null, readonly string[]>;
}

export const EMPTY_TREE: Tree = { nodes: new Map(), children: new Map() };

/** Of messages in which parents come before children, as the gateway lists them. */
export function treeOf(messages: readonly MessageNode[]): Tree {
  const nodes = new Map(messages.map((message) => [message.id, message]));
  const children = new Map<string | null, string[]>();
  for (const { id, parent } of messages) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(id);
    else children.set(parent, [id]);
  }
  return { nodes, children };
}

export function withNode(tree: Tree, node: MessageNode): Tree {
  return treeOf([...tree.nodes.values(), node]);
}

/** From the first message to this one. */
export function pathTo({ nodes }: Tree, id: string | null): MessageNode[] {
  const path: MessageNode[] = [];
  const seen = new Set<string>();
  for (let at = id; at !== null && !seen.has(at);) {
    seen.add(at);
    const node = nodes.get(at);
    if (!node) break;
    path.push(node);
    at = node.parent;
  }
  return path.toReversed();
}

/** The messages that could stand in its place, itself among them. */
export function siblingsOf({ nodes, children }: Tree, id: string): readonly string[] {
  const node = nodes.get(id);
  return node ? (children.get(node.parent) ?? []) : [];
}

/** Where the branch through a message ends: with the newest message at every fork. */
export function leafOf({ children }: Tree, id: string): string {
  let at = id;
  for (let next = children.get(at)?.at(-1); next !== undefined; next = children.get(at)?.at(-1))
    at = next;
  return at;
}
