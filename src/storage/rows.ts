// Rows of the database and the domain's values they stand for.
import type {
  Conversation,
  ConversationNode,
  Epoch,
  RenderProfile,
} from '../conversations/conversation.ts';
import type { Turn } from '../conversations/turn.ts';

const encoder = new TextEncoder();
// A byte order mark at the start of a message is part of the message.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export interface EpochRow {
  epoch_id: string;
  ordinal: number;
  profile: string;
  reason: Epoch['reason'];
}

export interface ConversationRow extends EpochRow {
  id: string;
  user_id: string | null;
  title: string | null;
  head: string | null;
  rev: number;
  metadata: string;
  created_at: number;
  last_used_at: number;
  message_count: number;
}

/** Selects ConversationRows; a WHERE on `conversation` follows. */
export const SELECT_CONVERSATION = `
  SELECT
    conversation.id, conversation.user_id, conversation.title, conversation.head, conversation.rev,
    conversation.metadata, conversation.created_at, conversation.last_used_at,
    coalesce(head.depth + 1, 0) AS message_count,
    epoch.id AS epoch_id, epoch.ordinal, epoch.profile, epoch.reason
  FROM conversation
  JOIN epoch ON epoch.conversation = conversation.id AND epoch.id = conversation.epoch
  LEFT JOIN node AS head ON head.conversation = conversation.id AND head.id = conversation.head`;

/** Whose a conversation must be. IS, because a null user matches only null. */
export const IN_SCOPE = 'conversation.owner = $owner AND conversation.user_id IS $userId';

export function toEpoch(row: EpochRow): Epoch {
  const profile: RenderProfile = JSON.parse(row.profile);
  return { id: row.epoch_id, ordinal: row.ordinal, profile, reason: row.reason };
}

export function toConversation(row: ConversationRow): Conversation {
  const metadata: Record<string, string> = JSON.parse(row.metadata);
  return {
    id: row.id,
    userId: row.user_id,
    title: row.title,
    head: row.head,
    epoch: toEpoch(row),
    messageCount: row.message_count,
    rev: row.rev,
    metadata,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}

export interface NodeRow {
  id: string;
  parent: string | null;
  depth: number;
  role: ConversationNode['role'];
  wire: Uint8Array;
  extra: string | null;
  prefix_hash: string;
  text: string;
  created_at: number;
  /** Hashes in the order of their marks, with a space between; null for none. */
  blobs: string | null;
}

/** Selects NodeRows from `node`. */
export const NODE_COLUMNS = `
  node.id, node.parent, node.depth, node.role, node.wire, node.extra, node.prefix_hash, node.text,
  node.created_at,
  (SELECT group_concat(sha256, ' ' ORDER BY position) FROM node_blob
   WHERE node_blob.conversation = node.conversation AND node_blob.node = node.id) AS blobs`;

export function toNode(row: NodeRow): ConversationNode {
  return {
    id: row.id,
    parent: row.parent,
    depth: row.depth,
    role: row.role,
    wire: decoder.decode(row.wire),
    extra: row.extra,
    prefixHash: row.prefix_hash,
    text: row.text,
    blobs: row.blobs?.split(' ') ?? [],
    createdAt: row.created_at,
  };
}

/** The parameters that insert a node. */
export function nodeParams(
  place: { readonly conversation: string; readonly epoch: string },
  node: ConversationNode,
) {
  return {
    conversation: place.conversation,
    epoch: place.epoch,
    id: node.id,
    parent: node.parent,
    depth: node.depth,
    role: node.role,
    wire: encoder.encode(node.wire),
    extra: node.extra,
    prefixHash: node.prefixHash,
    text: node.text,
    createdAt: node.createdAt,
  };
}

export interface TurnRow {
  id: string;
  conversation: string;
  epoch: string;
  parent_node: string | null;
  input_node: string;
  output_node: string | null;
  status: Turn['status'];
  idempotency_key: string | null;
  request_fingerprint: string;
  upstream: string | null;
  upstream_model: string | null;
  finish_reason: string | null;
  error_code: Turn['errorCode'];
  error_status: number | null;
  error_retry_after_ms: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cached_tokens: number | null;
  expected_cached_tokens: number | null;
  prefix_break: Turn['prefixBreak'];
  ttft_ms: number | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
}

export function toTurn(row: TurnRow): Turn {
  return {
    id: row.id,
    conversationId: row.conversation,
    parentNode: row.parent_node,
    inputNode: row.input_node,
    outputNode: row.output_node,
    status: row.status,
    idempotencyKey: row.idempotency_key,
    requestFingerprint: row.request_fingerprint,
    upstream: row.upstream,
    upstreamModel: row.upstream_model,
    finishReason: row.finish_reason,
    errorCode: row.error_code,
    errorReply:
      row.error_status === null
        ? null
        : { status: row.error_status, retryAfterMs: row.error_retry_after_ms },
    usage: {
      promptTokens: row.prompt_tokens,
      completionTokens: row.completion_tokens,
      cachedTokens: row.cached_tokens,
    },
    expectedCachedTokens: row.expected_cached_tokens,
    prefixBreak: row.prefix_break,
    epochId: row.epoch,
    ttftMs: row.ttft_ms,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
