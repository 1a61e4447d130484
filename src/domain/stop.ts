// What ends a piece of work from outside. An AbortSignal is one; but those live outside of the JavaScript heap, and a
// request that has one and is listened to pays for it more than for all of its routing. So requests have a Stopper.

export type StopListener = (() => void) | { handleEvent(): void };

/** The part of AbortSignal that is used here. */
export interface Stop {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: StopListener, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: StopListener): void;
}

export class Stopper implements Stop {
  aborted = false;
  reason: unknown = undefined;
  /** Nearly always one at most. */
  #listeners: StopListener[] | null = null;

  /** Calls who listens, once. Later calls do nothing. */
  stop(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }
  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
  addEventListener(_type: 'abort', listener: StopListener): void {
    if (this.aborted) return;
    if (!this.#listeners) this.#listeners = [listener];
    else if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }
  removeEventListener(_type: 'abort', listener: StopListener): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    // Who is being called listens no more: the list was left to the calls.
    if (at !== -1) this.#listeners?.splice(at, 1);
  }
}

/** Ends with the other, too, and can be ended without it. */
export function stopperWithin(outer: Stop): Stopper {
  const inner = new Stopper();
  if (outer.aborted) inner.stop(outer.reason);
  else outer.addEventListener('abort', () => inner.stop(outer.reason), { once: true });
  return inner;
}
