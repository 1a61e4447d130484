// A map that holds so much at the most: what was set longest ago leaves it first.

export interface WeighedMap<V> {
  get(key: string): V | undefined;
  /** Sets it anew, as the youngest. What weighs more than its share is not kept: it would drive out all others. */
  set(key: string, value: V, weight: number): void;
  delete(key: string): void;
  clear(): void;
}

export interface WeighedMapLimits {
  readonly mostInAll: number;
  readonly mostEach: number;
}

export function createWeighedMap<V>({ mostInAll, mostEach }: WeighedMapLimits): WeighedMap<V> {
  // A Map keeps the order in which its keys were set.
  const entries = new Map<string, { readonly value: V; readonly weight: number }>();
  let total = 0;

  function forget(key: string): void {
    total -= entries.get(key)?.weight ?? 0;
    entries.delete(key);
  }

  return {
    get: (key) => entries.get(key)?.value,
    set(key, value, weight) {
      forget(key);
      if (weight > mostEach) return;
      entries.set(key, { value, weight });
      total += weight;
      for (const [oldest] of entries) {
        if (total <= mostInAll) break;
        forget(oldest);
      }
    },
    delete: forget,
    clear() {
      entries.clear();
      total = 0;
    },
  };
}
