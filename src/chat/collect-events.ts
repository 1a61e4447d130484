// The events of ended turns are kept for resuming and repeating them, and are removed after a time, a few at once, so
// that the writer is never held by it.
import type { ConversationStore } from '../conversations/store.ts';
import type { Clock } from '../domain/clock.ts';
import type { Probe } from '../observe/probe.ts';

const INTERVAL_MS = 60_000;

export interface CollectEventsOptions {
  readonly store: Pick<ConversationStore, 'collectEvents'>;
  /** How long events outlive the end of their turn, in milliseconds. */
  keepMs(): number;
  readonly clock: Pick<Clock, 'now'>;
  readonly probe: Pick<Probe, 'backgroundFailed'>;
}

/** Collects once a minute until closed. */
export function collectEvents({ store, keepMs, clock, probe }: CollectEventsOptions): {
  close(): void;
} {
  let running = false;
  async function collect(): Promise<void> {
    if (running) return;
    running = true;
    try {
      while ((await store.collectEvents(clock.now() - keepMs())) > 0);
    } catch (error) {
      probe.backgroundFailed('collecting the events of ended turns', error);
    } finally {
      running = false;
    }
  }
  const timer = setInterval(() => void collect(), INTERVAL_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
