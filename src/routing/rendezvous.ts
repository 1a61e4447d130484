// Which of several equal replicas a key belongs to. Weighted rendezvous hashing: each replica gets its share of the
// keys, and when one comes or goes, only its own keys move. A bound on the load moves a key to its next choice while
// its first is busier than the others: a popular key must not drown one replica.

/** A replica may have so many times its share of what is running. */
const LOAD_BOUND = 1.25;

export interface Replica {
  /** What tells it from the others, whatever the order in which they are listed. */
  readonly id: string;
  readonly weight: number;
  /** Requests that run there. */
  readonly load: number;
}

/** The replicas in the order in which `key` prefers them; those that have their bound of the load come last. */
export function preferenceOf<T extends Replica>(replicas: readonly T[], key: string): T[] {
  const totalWeight = replicas.reduce((sum, { weight }) => sum + weight, 0);
  // The request that is being placed counts, or nobody could have the first one.
  const totalLoad = replicas.reduce((sum, { load }) => sum + load, 1);
  const isFull = ({ weight, load }: T) =>
    load >= Math.ceil((LOAD_BOUND * totalLoad * weight) / totalWeight);
  return replicas
    .map((replica) => ({ replica, score: scoreOf(replica, key), full: Number(isFull(replica)) }))
    .toSorted((a, b) => a.full - b.full || b.score - a.score)
    .map(({ replica }) => replica);
}

/** Larger is better; a replica of weight w is the best for a share of w of all keys. */
function scoreOf({ id, weight }: Replica, key: string): number {
  const hash = Bun.hash.xxHash64(`${id}\n${key}`);
  // 53 bits, as many as a number holds, in (0, 1).
  const uniform = (Number(hash >> 11n) + 0.5) / 2 ** 53;
  return -weight / Math.log(uniform);
}
