// An answer on its way: what has come of it, when, and what can be done about it.
import { signal } from '@preact/signals';
import type { Turn } from '../../../client/types.ts';
import { GrowingAnswer } from '../thread/answer.ts';
import type { Message } from '../thread/message.ts';
import type { AnswerNumbers } from '../thread/numbers.ts';
import type { Failure } from './ask-gateway.ts';
import { onNextFrame } from './pace.ts';

export interface LiveOptions {
  /** The message of the tree that it stands under; null at the beginning. */
  readonly parent: string | null;
  /** What is asked, and not in the tree yet. */
  readonly questions: readonly Message[];
  /** Asks the same again, after a failure. */
  readonly retry: () => void;
}

export type LiveStatus = 'waiting' | 'streaming' | 'stopping' | 'failed';

let made = 0;

export class Live {
  /** Stays that of the answer once it is in the tree, so that nothing is drawn anew. */
  readonly key = `live-${++made}`;
  readonly parent: string | null;
  readonly questions: readonly Message[];
  readonly retry: () => void;
  readonly answer = new GrowingAnswer();
  /** Counts the frames in which something came: who shows the answer reads it. */
  readonly frame = signal(0);
  readonly status = signal<LiveStatus>('waiting');
  /** Stops following. */
  readonly controller = new AbortController();
  failure: Failure | null = null;
  turn: Turn | null = null;
  upstream: string | null = null;
  /** What the gateway changed of the request: `max_tokens=1024`. */
  applied: string | null = null;
  readonly #startedAt = performance.now();
  #firstAt: number | null = null;
  #isDue = false;

  constructor({ parent, questions, retry }: LiveOptions) {
    this.parent = parent;
    this.questions = questions;
    this.retry = retry;
  }

  take(chunk: Record<string, unknown>, isSnapshot: boolean): void {
    this.answer.take(chunk, isSnapshot);
    if (this.#firstAt === null && this.answer.hasBegun) {
      this.#firstAt = performance.now();
      if (this.status.value === 'waiting') this.status.value = 'streaming';
    }
    // Chunks may come by the thousand in a second; the screen shows sixty.
    if (this.#isDue) return;
    this.#isDue = true;
    onNextFrame(() => {
      this.#isDue = false;
      this.frame.value++;
    });
  }

  noteHeaders(headers: Headers): void {
    this.upstream ??= headers.get('x-gateway-upstream');
    this.applied ??= headers.get('x-gateway-applied');
  }

  fail(failure: Failure): void {
    this.failure = failure;
    this.status.value = 'failed';
    this.frame.value++;
  }

  /** As they were seen from here; the gateway's own are better where it keeps them. */
  get numbers(): AnswerNumbers {
    const { usage, finishReason } = this.answer;
    return {
      promptTokens: usage?.promptTokens ?? null,
      completionTokens: usage?.completionTokens ?? null,
      cachedTokens: usage?.cachedTokens ?? null,
      expectedCachedTokens: usage?.expectedCachedTokens ?? null,
      upstream: this.upstream,
      upstreamModel: null,
      finishReason,
      ttftMs: this.#firstAt === null ? null : this.#firstAt - this.#startedAt,
      durationMs: performance.now() - this.#startedAt,
      prefixBreak: null,
    };
  }
}
