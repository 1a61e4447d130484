// The crash run: several lanes side by side in front of one upstream.
import type { Counts } from './book.ts';
import { startEngine } from './engine.ts';
import { runLane } from './lane.ts';

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  readonly lanes: number;
  /** Of each lane. */
  readonly clients: number;
  onKill?(killed: number): void;
}

export interface Killed {
  readonly counts: Counts;
  readonly faults: readonly string[];
}

/** Resolves when that many gateways are dead, and everything is checked. */
export async function killMany({
  kills,
  seed,
  lanes,
  clients,
  onKill,
}: KillOptions): Promise<Killed> {
  const engine = await startEngine();
  let taken = 0;
  const takeKill = () => {
    if (taken === kills) return false;
    taken++;
    onKill?.(taken);
    return true;
  };
  try {
    const books = await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        runLane({ name: `${lane}`, seed: seed + lane, clients, engine, takeKill }),
      ),
    );
    return {
      counts: books.map((book) => book.counts).reduce(sum),
      faults: books.flatMap(({ faults }) => faults),
    };
  } finally {
    await engine.close();
  }
}

function sum(one: Counts, other: Counts): Counts {
  const added = Object.entries(one).map(([name, count]) => [
    name,
    Number(count) + other[name as keyof Counts],
  ]);
  return Object.fromEntries(added) as Counts;
}
