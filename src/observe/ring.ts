// Counts of the last hour in buckets of ten seconds: one flat array, written in place. What has grown old is cleared
// when its place is used again, and is not read until then.
import { HISTORY_BUCKETS, HISTORY_BUCKET_MS } from '../domain/limits.ts';

/** The bucket that a moment on the monotonic clock belongs to. */
export function bucketAt(elapsed: number): number {
  return Math.floor(elapsed / HISTORY_BUCKET_MS);
}

export interface Ring {
  add(bucket: number, field: number, by: number): void;
  /** Adds what the bucket holds to `into`; nothing where it is too old or still to come. */
  addTo(into: Float64Array, bucket: number): void;
}

/** `fields`: how many counts a bucket holds. */
export function createRing(fields: number): Ring {
  const counts = new Uint32Array(HISTORY_BUCKETS * fields);
  /** Which bucket lies in each place. */
  const buckets = new Float64Array(HISTORY_BUCKETS).fill(-1);
  const placeOf = (bucket: number) =>
    ((bucket % HISTORY_BUCKETS) + HISTORY_BUCKETS) % HISTORY_BUCKETS;
  return {
    add(bucket, field, by) {
      const place = placeOf(bucket);
      if (buckets[place] !== bucket) {
        counts.fill(0, place * fields, (place + 1) * fields);
        buckets[place] = bucket;
      }
      const at = place * fields + field;
      counts[at] = (counts[at] ?? 0) + by;
    },
    addTo(into, bucket) {
      const place = placeOf(bucket);
      if (buckets[place] !== bucket) return;
      const start = place * fields;
      for (let field = 0; field < fields; field++)
        into[field] = (into[field] ?? 0) + (counts[start + field] ?? 0);
    },
  };
}
