// What is remembered: conversations as trees of immutable nodes, and the render profiles (epochs) that pin
// everything of a prompt that is not a message. See docs/decisions for why messages are kept as bytes.
import type { Role } from '../domain/message.ts';

/** Who is asking. Every read and write names its scope, and a foreign conversation looks like a missing one. */
export interface Scope {
  /** Hex SHA-256 of the token. */
  readonly owner: string;
  /** The end user whom the token's holder speaks for; null is a user of its own, not a wildcard. */
  readonly userId: string | null;
}

/** What of a prompt is not a message. A change of any of it starts a new epoch, the only permitted prefix break. */
export interface RenderProfile {
  /** The alias, as the client names it. */
  readonly model: string;
  /** JSON text of the system message, or null. */
  readonly system: string | null;
  /** JSON text of the tools array, pinned as first sent, or null. */
  readonly tools: string | null;
  /** JSON text of tool_choice where a client set one, or null. */
  readonly toolChoice: string | null;
  /** JSON text of response_format where it is not plain text, or null. */
  readonly responseFormat: string | null;
  /** The first message that is still sent, where older ones have left the window; absent while all are. */
  readonly since?: string;
}

type EpochReason =
  | 'first'
  | 'model'
  | 'system'
  | 'tools'
  | 'tool_choice'
  | 'response_format'
  | 'compaction';

export interface Epoch {
  readonly id: string;
  /** 0 for the first of a conversation, then counting up. */
  readonly ordinal: number;
  readonly profile: RenderProfile;
  readonly reason: EpochReason;
}

export interface ConversationNode {
  readonly id: string;
  readonly parent: string | null;
  /** 0 for the first message of a conversation. */
  readonly depth: number;
  readonly role: Role;
  /** The JSON text of the message exactly as it is sent upstream, with image data replaced by blob marks (prompt/blob-mark). */
  readonly wire: string;
  /** JSON text of what the upstream added (reasoning, signatures, unknown members), kept for replay; or null. */
  readonly extra: string | null;
  /** Hex SHA-256 of the parent's prefixHash followed by wire: the chain that shows no byte of history has changed. */
  readonly prefixHash: string;
  /** The visible text, for search and titles. */
  readonly text: string;
  /** Blobs that wire's marks refer to: hex SHA-256 each. */
  readonly blobs: readonly string[];
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** An image as it came, decoded once and shared by every message that shows it. */
export interface Blob {
  /** Hex SHA-256 of the media type, a NUL and the bytes: see blob.ts. */
  readonly sha256: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
}

export interface Conversation {
  readonly id: string;
  readonly userId: string | null;
  readonly title: string | null;
  /** Last message of the current path; null before the first completed turn. */
  readonly head: string | null;
  readonly epoch: Epoch;
  /** Messages on the current path, the system prompt not counted. */
  readonly messageCount: number;
  /** Counts every change of the row. */
  readonly rev: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
}
