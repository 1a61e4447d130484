// What is known of a call to an upstream when it has ended, for its span. No content.
import type { Usage } from '../domain/message.ts';
import type { TraceContext } from '../domain/trace-context.ts';

export interface FinishedCall {
  readonly trace: TraceContext;
  readonly target: {
    readonly upstream: string;
    readonly kind: string;
    readonly baseUrl: string;
    readonly model: string;
  };
  readonly stream: boolean;
  readonly choices: number;
  /** Monotonic milliseconds, as the two below. */
  readonly startedAt: number;
  readonly firstChunkAt: number | null;
  readonly firstTokenAt: number | null;
  readonly responseId: string | null;
  readonly responseModel: string | null;
  readonly finishReasons: readonly string[];
  readonly usage: Usage | null;
  readonly error: string | null;
}
