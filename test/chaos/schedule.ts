// Who is faulty when: a keeper is healthy at any time and hands over to another target, both being healthy for a
// while, so that every request shorter than that has a target that is healthy all the while. The others are made
// faulty and healthy again at random.
import type { Random } from '../harness/random.ts';
import { FAULTS, type Fault } from './faults.ts';
import type { ChaosTarget } from './target.ts';

/** How long the old and the new keeper are healthy together: more than what a request takes at the worst. */
const OVERLAP_MS = 3_000;

export interface Upset {
  /** Faults so far, by kind. */
  readonly counts: Map<Fault, number>;
  /** Resolves once every target is healthy. */
  stop(): Promise<void>;
}

export function upset(targets: readonly ChaosTarget[], random: Random): Upset {
  const counts = new Map<Fault, number>();
  const stopping = new AbortController();
  const over = () => stopping.signal.aborted;
  // The last of the chain, so that the first fault hits the one who is asked first.
  let keeper = targets.at(-1);
  let previous: ChaosTarget | undefined;

  let deck: Fault[] = [];
  /** Every kind once before any comes again. */
  function draw(): Fault {
    if (deck.length === 0) deck = [...FAULTS];
    return deck.splice(random.below(deck.length), 1)[0] ?? 'killed';
  }

  async function trouble(target: ChaosTarget): Promise<void> {
    let fault: Fault = target === targets[0] ? 'killed' : draw();
    let share = 1;
    while (!over()) {
      await Bun.sleep(50 + random.below(200));
      if (over() || target === keeper || target === previous) continue;
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
      await target.break(fault, share);
      await untilElapsed(150 + random.below(850), () => over() || target === keeper);
      await target.heal();
      fault = draw();
      share = random.pick([1, 0.5, 0.2]) ?? 1;
    }
  }

  async function handOver(): Promise<void> {
    while (!over()) {
      await untilElapsed(2_000 + random.below(3_000), over);
      const next = random.pick(targets.filter((target) => target !== keeper));
      [previous, keeper] = [keeper, next];
      // Its trouble ends as soon as it is told; the two are healthy together from then on.
      await untilTrue(() => keeper?.fault === null || over());
      await untilElapsed(OVERLAP_MS, over);
      previous = undefined;
    }
  }

  const running = Promise.all([...targets.map(trouble), handOver()]);
  return {
    counts,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function untilElapsed(ms: number, isOver: () => boolean): Promise<void> {
  const until = performance.now() + ms;
  await untilTrue(() => isOver() || performance.now() >= until);
}

async function untilTrue(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(10);
}
