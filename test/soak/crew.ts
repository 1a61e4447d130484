// What every client of the soak works with.
import type { Life } from '../crash/life.ts';
import type { Random } from '../harness/random.ts';

export interface Crew {
  readonly life: Life;
  readonly random: Random;
  newNumber(): number;
  /** From just before the gateway is killed or stopped: what breaks off now is no fault. */
  isDying(): boolean;
  /** One more of what is shown at the end. */
  count(what: string): void;
  /** Far beyond what any request may take: one that needs it has hung. */
  readonly patienceMs: number;
}

type Deed = (crew: Crew) => Promise<void>;

/** Does one thing after another, each as often as it weighs, until the gateway is gone. */
export async function work(
  crew: Crew,
  {
    deeds,
    thinkMs,
  }: { deeds: readonly (readonly [weight: number, deed: Deed])[]; thinkMs: number },
): Promise<void> {
  const choices = deeds.flatMap(([weight, deed]) => Array<Deed>(weight).fill(deed));
  while (!crew.life.isOver) {
    await crew.random.pick(choices)?.(crew);
    const until = performance.now() + crew.random.below(2 * thinkMs + 1);
    while (performance.now() < until && !crew.life.isOver) await Bun.sleep(Math.min(100, thinkMs));
  }
}
