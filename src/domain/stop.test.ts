import { describe, expect, test } from 'bun:test';
import { stopperWithin, Stopper, type Stop } from './stop.ts';

/** Either kind, and what ends it. */
const KINDS: Record<string, () => { readonly stop: Stop; end(reason: unknown): void }> = {
  'a Stopper': () => {
    const stop = new Stopper();
    return { stop, end: (reason) => stop.stop(reason) };
  },
  'an AbortSignal': () => {
    const controller = new AbortController();
    return { stop: controller.signal, end: (reason) => controller.abort(reason) };
  },
};

describe.each(Object.entries(KINDS))('%s', (_, make) => {
  test('tells who listens once, whether a function or an object, with the reason at hand', () => {
    const { stop, end } = make();
    const told: unknown[] = [];
    stop.addEventListener('abort', () => told.push(['function', stop.reason]), { once: true });
    stop.addEventListener('abort', { handleEvent: () => told.push(['object', stop.reason]) });
    expect(stop.aborted).toBe(false);
    end('first');
    end('second');
    expect(stop.aborted).toBe(true);
    expect(told).toEqual([
      ['function', 'first'],
      ['object', 'first'],
    ]);
    expect(() => stop.throwIfAborted()).toThrow('first');
  });

  test('does not tell who has left, and calls who comes twice once', () => {
    const { stop, end } = make();
    const told: string[] = [];
    const [gone, twice] = [() => told.push('gone'), () => told.push('twice')];
    stop.addEventListener('abort', gone);
    stop.addEventListener('abort', twice);
    stop.addEventListener('abort', twice);
    stop.removeEventListener('abort', gone);
    end('now');
    expect(told).toEqual(['twice']);
  });

  test('ends what is within it, which can end before it', () => {
    const { stop, end } = make();
    const [inner, early] = [stopperWithin(stop), stopperWithin(stop)];
    early.stop('early');
    expect(stop.aborted).toBe(false);
    end('outer');
    expect([inner.reason, early.reason]).toEqual(['outer', 'early']);
    expect(stopperWithin(stop).reason).toBe('outer');
  });
});
