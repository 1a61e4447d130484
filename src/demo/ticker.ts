// One clock for all streams: every tick lets each waiting stream say one thing. A timer per stream and token would
// cost more than the tokens do once a thousand streams run at the same time.

/** Says one thing; true while it has more to say and room to say it. */
export type Step = () => boolean;

export interface Ticker {
  /** Has `step` called at each tick until it returns false. Adding a step that is waiting already changes nothing. */
  add(step: Step): void;
  remove(step: Step): void;
  close(): void;
}

/** With `intervalMs` 0, rounds follow each other as fast as the event loop goes round. */
export function createTicker(intervalMs: number): Ticker {
  let waiting = new Set<Step>();
  let cancel: (() => void) | undefined;

  function tick(): void {
    cancel = undefined;
    const due = waiting;
    // A step may be added again while it runs (its stream was read at once); that is for the next round.
    waiting = new Set();
    const startedAt = performance.now();
    for (const step of due) {
      if (step()) waiting.add(step);
    }
    schedule(performance.now() - startedAt);
  }

  function schedule(spentMs: number): void {
    if (cancel !== undefined || waiting.size === 0) return;
    if (intervalMs === 0) {
      const immediate = setImmediate(tick);
      cancel = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(tick, Math.max(1, intervalMs - spentMs));
      cancel = () => clearTimeout(timer);
    }
  }

  return {
    add(step) {
      waiting.add(step);
      schedule(0);
    },
    remove: (step) => void waiting.delete(step),
    close() {
      waiting.clear();
      cancel?.();
      cancel = undefined;
    },
  };
}
