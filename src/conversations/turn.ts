// A turn: one question and its answer, from acceptance to exactly one terminal state. Pure: the store keeps it,
// chat/run-turn drives it.
import type { ErrorCode } from '../domain/errors.ts';

export type TurnStatus = 'accepted' | 'streaming' | 'completed' | 'failed' | 'cancelled';

/**
 * Whether nothing can follow this state. A turn is accepted, then streaming, then one of the three terminal states,
 * which it may also reach at once; a retry is a new turn.
 */
export function isTerminal(status: TurnStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

export interface TurnUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Prompt tokens that the upstream took from its KV cache, where it says so. */
  readonly cachedTokens: number | null;
}

/**
 * Why a turn found less in the engine's KV cache than the turn before should have left there: a new epoch changed the
 * prompt, another upstream or model was asked, the same one dropped it (`eviction`) or read the last answer as other
 * tokens (`render`), or nobody counted (`unknown`).
 */
export type PrefixBreak = 'epoch' | 'eviction' | 'render' | 'upstream' | 'unknown';

/** The HTTP reply that a failure was told in: what its code alone does not say. */
export interface ErrorReply {
  readonly status: number;
  readonly retryAfterMs: number | null;
}

export interface Turn {
  readonly id: string;
  readonly conversationId: string;
  /** The head that the turn was asked on; null for a conversation's first. */
  readonly parentNode: string | null;
  /** Last of the turn's own input nodes: the user's message, or the last tool result. */
  readonly inputNode: string;
  /** The sealed answer; null unless completed, or cancelled after visible text. */
  readonly outputNode: string | null;
  readonly status: TurnStatus;
  readonly idempotencyKey: string | null;
  /** Hex SHA-256 of the request's bytes: what tells a retry from another request under the same key. */
  readonly requestFingerprint: string;
  readonly upstream: string | null;
  readonly upstreamModel: string | null;
  readonly finishReason: string | null;
  readonly errorCode: ErrorCode | null;
  /** null unless the turn failed, and then where nothing is known beyond the code. */
  readonly errorReply: ErrorReply | null;
  readonly usage: TurnUsage;
  /** Prompt tokens that the upstream should have found in its KV cache; null when nothing was known. */
  readonly expectedCachedTokens: number | null;
  /** null where the prefix was found, or there was none to find. */
  readonly prefixBreak: PrefixBreak | null;
  readonly epochId: string;
  /** Milliseconds from acceptance to the first visible token. */
  readonly ttftMs: number | null;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}
