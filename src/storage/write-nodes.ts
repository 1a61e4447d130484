// Storing messages with the images they show; shared by acceptance (the question), finish (the answer) and
// restoring (both).
import type { Database } from 'bun:sqlite';
import type { Blob, ConversationNode } from '../conversations/conversation.ts';
import { nodeParams } from './rows.ts';

export interface NewNodes {
  readonly conversation: string;
  /** Of the turn that they are made by. */
  readonly epoch: string;
  /** In order, each the parent of the next. */
  readonly nodes: readonly ConversationNode[];
  /** The node that the first one follows, or null. */
  readonly parent: string | null;
  readonly blobs: readonly Blob[];
}

export function createNodeWriter(db: Database): (added: NewNodes) => void {
  const insert = db.prepare<null, ReturnType<typeof nodeParams>>(`
    INSERT INTO node
      (conversation, id, parent, epoch, depth, role, wire, extra, prefix_hash, text, created_at)
    VALUES
      ($conversation, $id, $parent, $epoch, $depth, $role, $wire, $extra, $prefixHash, $text, $createdAt)`);
  const insertBlob = db.prepare<null, [string, string, Uint8Array]>(
    'INSERT OR IGNORE INTO blob (sha256, mime, bytes) VALUES (?, ?, ?)',
  );
  const show = db.prepare<null, [string, string, number, string]>(
    'INSERT INTO node_blob (conversation, node, position, sha256) VALUES (?, ?, ?, ?)',
  );
  return ({ conversation, epoch, nodes, parent, blobs }) => {
    const shown = new Set(nodes.flatMap((node) => node.blobs));
    for (const blob of blobs) {
      // One that no message shows would never be collected.
      if (shown.has(blob.sha256)) insertBlob.run(blob.sha256, blob.mime, blob.bytes);
    }
    let last = parent;
    for (const node of nodes) {
      if (node.parent !== last) {
        throw new Error(`node ${node.id} follows ${node.parent}, where ${last} is its place`);
      }
      insert.run(nodeParams({ conversation, epoch }, node));
      for (const [position, hash] of node.blobs.entries()) {
        show.run(conversation, node.id, position, hash);
      }
      last = node.id;
    }
  };
}
