// Spans on their way to the collector: a bounded queue, one batch under way at a time. A collector that is slow, down
// or answers with errors costs spans, which are counted, and never a request.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import {
  MAX_QUEUED_SPANS,
  MAX_SPAN_BATCH,
  SPAN_DELAY_MS,
  SPAN_FLUSH_MS,
} from '../domain/limits.ts';
import type { DropReason } from './span-drops.ts';
import type { Span } from './span.ts';

/** What the collector made of a batch. */
export type Sent =
  | { readonly kind: 'accepted'; readonly rejected: number }
  | { readonly kind: 'refused'; readonly problem: string }
  /** The same batch may be sent again: after so long, where the collector says. */
  | { readonly kind: 'failed'; readonly problem: string; readonly afterMs: number | null };

export interface SpanQueueOptions {
  readonly deadlines: Deadlines;
  /** Never rejects; ends early when `signal` aborts. */
  send(spans: readonly Span[], signal: AbortSignal): Promise<Sent>;
  onExported(count: number): void;
  onDropped(count: number, reason: DropReason): void;
  /** The collector has begun to fail, or, with null, takes spans again. */
  onChange(problem: string | null): void;
}

export interface SpanQueue {
  add(span: Span): void;
  /** Sends what is left, for `SPAN_FLUSH_MS` at most. */
  close(): Promise<void>;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export function createSpanQueue(options: SpanQueueOptions): SpanQueue {
  const { deadlines, onExported, onDropped, onChange } = options;
  const stop = new AbortController();
  const queue: Span[] = [];
  let next: Deadline | undefined;
  let running: Promise<void> | undefined;
  let pauseMs = 0;
  let wasFailing = false;
  let closing = false;

  /** Told of once, until it is over. */
  function note(problem: string | null): void {
    const isFailing = problem !== null;
    if (isFailing === wasFailing) return;
    wasFailing = isFailing;
    onChange(problem);
  }

  function wake(ms: number): void {
    if (next) next.rearm(ms);
    else next = deadlines.arm(ms, start);
  }

  function start(): void {
    running ??= sendAll().finally(() => {
      running = undefined;
    });
  }

  /** Until fewer are left than make a batch, or the collector fails. The batch stays in the queue until it is taken. */
  async function sendAll(): Promise<void> {
    do {
      const batch = queue.slice(0, MAX_SPAN_BATCH);
      const sent = await options.send(batch, stop.signal);
      if (sent.kind === 'failed') {
        failed(sent);
        return;
      }
      queue.splice(0, batch.length);
      report(sent, batch.length);
    } while (queue.length >= (closing ? 1 : MAX_SPAN_BATCH));
    if (queue.length > 0) wake(SPAN_DELAY_MS);
  }

  function report(sent: Exclude<Sent, { kind: 'failed' }>, count: number): void {
    const rejected = sent.kind === 'refused' ? count : Math.min(sent.rejected, count);
    if (rejected > 0) onDropped(rejected, 'refused');
    if (rejected < count) onExported(count - rejected);
    pauseMs = 0;
    note(sent.kind === 'refused' ? sent.problem : null);
  }

  function failed({ problem, afterMs }: Extract<Sent, { kind: 'failed' }>): void {
    note(problem);
    pauseMs = Math.min(Math.max(pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
    if (!closing) wake(afterMs ?? pauseMs);
  }

  return {
    add(span) {
      if (closing || queue.length >= MAX_QUEUED_SPANS) {
        onDropped(1, closing ? 'shutdown' : 'queue_full');
        return;
      }
      queue.push(span);
      // While the collector is being spared, a full batch is no reason to ask it early.
      if (queue.length === 1) wake(SPAN_DELAY_MS);
      else if (queue.length === MAX_SPAN_BATCH && pauseMs === 0) start();
    },
    async close() {
      closing = true;
      next?.disarm();
      const limit = deadlines.arm(SPAN_FLUSH_MS, () => stop.abort());
      await running;
      if (queue.length > 0 && !stop.signal.aborted) await sendAll();
      limit.disarm();
      if (queue.length > 0) onDropped(queue.length, 'shutdown');
      queue.length = 0;
    },
  };
}
