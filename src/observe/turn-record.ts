// What is known of a turn when it has ended, for its log line, its span and the metrics. No content.
import type { TraceContext } from '../domain/trace-context.ts';

export interface FinishedTurn {
  readonly turnId: string;
  readonly conversationId: string;
  readonly alias: string;
  /** Who answered, or was asked last; null where nobody was asked. */
  readonly upstream: string | null;
  readonly status: string;
  readonly errorCode: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Prompt tokens that should have been found in the engine's KV cache, and those that were; null when unknown. */
  readonly expectedCachedTokens: number | null;
  readonly cachedTokens: number | null;
  /** Why the one is less than the other could have been; null where it is not. */
  readonly prefixBreak: string | null;
  /** What the epoch began with, where a new one is why. */
  readonly epochReason: string | null;
  readonly ttftMs: number | null;
  readonly durationMs: number;
  /** Absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
}
