// Whether the store works, from a probe in the background: GET /readyz shows it without asking the disk.
import type { Clock } from '../domain/clock.ts';
import type { ConversationStore } from './store.ts';

export interface StoreStatus {
  readonly ok: boolean;
  readonly latency_ms: number | null;
  readonly problem: string | null;
}

export interface StoreWatch {
  status(): StoreStatus;
  /** Probes now. */
  probe(): Promise<void>;
  /** Another time between two probes, in milliseconds. */
  every(intervalMs: number): void;
  close(): void;
}

export interface StoreWatchOptions {
  readonly store: Pick<ConversationStore, 'probe'>;
  readonly intervalMs: number;
  readonly clock: Pick<Clock, 'elapsed'>;
}

export function watchStore({ store, intervalMs, clock }: StoreWatchOptions): StoreWatch {
  let status: StoreStatus = { ok: false, latency_ms: null, problem: 'not checked yet' };

  async function probe(): Promise<void> {
    const startedAt = clock.elapsed();
    try {
      await store.probe();
      status = {
        ok: true,
        latency_ms: Math.round((clock.elapsed() - startedAt) * 10) / 10,
        problem: null,
      };
    } catch (error) {
      status = {
        ok: false,
        latency_ms: null,
        problem: error instanceof Error ? error.message : String(error),
      };
    }
  }

  let timer: ReturnType<typeof setInterval> | undefined;
  function every(ms: number): void {
    clearInterval(timer);
    timer = setInterval(() => void probe(), ms);
    timer.unref();
  }
  every(intervalMs);
  return { status: () => status, probe, every, close: () => clearInterval(timer) };
}
