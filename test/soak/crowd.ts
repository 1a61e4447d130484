// All that happens to a gateway of the soak at once: its clients of every kind, and what its machine does to it.
import { runClient } from '../crash/clients.ts';
import { Gone, type Life } from '../crash/life.ts';
import type { GatewayProcess } from '../harness/gateway.ts';
import { catches } from '../harness/process-facts.ts';
import { createRandom, type Random } from '../harness/random.ts';
import { work, type Crew } from './crew.ts';
import { keepIdle } from './idle-clients.ts';
import { readSlowly, sendBroken, sendHalf, sendWrong, stopReading } from './rough-clients.ts';
import { askV1, storm } from './v1-clients.ts';
import type { World } from './world.ts';

export interface CrowdOptions {
  readonly world: World;
  readonly life: Life;
  readonly gateway: GatewayProcess;
  readonly random: Random;
  /** Of /v1; the others are in proportion. */
  readonly clients: number;
  readonly idle: number;
  newNumber(): number;
  count(what: string): void;
}

export interface Crowd {
  /** The gateway is about to be killed or stopped: what breaks off from now on is no fault. */
  expectDeath(): void;
  /** Everybody finishes what they are at. */
  leave(): Promise<void>;
}

const PATIENCE_MS = 60_000;
const SIGHUP = 1;

export function gather(options: CrowdOptions): Crowd {
  const { world, life, gateway, random, clients, newNumber, count } = options;
  let dying = false;
  const newCrew = (): Crew => ({
    life,
    random: createRandom(random.below(2 ** 32)),
    newNumber,
    isDying: () => dying,
    count,
    patienceMs: PATIENCE_MS,
  });
  const times = (number: number, make: () => Promise<void>) =>
    Array.from({ length: Math.max(1, Math.round(number)) }, make);
  const all = Promise.all([
    ...times(clients, () => work(newCrew(), { deeds: [[1, askV1]], thinkMs: 20 })),
    ...times(clients / 3, () =>
      runClient({
        life,
        random: createRandom(random.below(2 ** 32)),
        newMark: () => `c1-${newNumber()}`,
        thinkMs: 400,
      }),
    ),
    ...times(clients / 4, () =>
      work(newCrew(), {
        deeds: [
          [4, sendHalf],
          [3, sendBroken],
          [3, sendWrong],
          [1, stopReading],
        ],
        thinkMs: 50,
      }),
    ),
    work(newCrew(), { deeds: [[1, readSlowly]], thinkMs: 1_000 }),
    work(newCrew(), { deeds: [[1, storm]], thinkMs: 2_000 }),
    work(newCrew(), { deeds: [[1, lookAround]], thinkMs: 100 }),
    keepIdle(newCrew(), options.idle),
    work(newCrew(), { deeds: [[1, holdLog]], thinkMs: 3_000 }),
    work(newCrew(), { deeds: [[1, reload]], thinkMs: 3_000 }),
  ]);

  async function holdLog({ random: chance }: Crew): Promise<void> {
    world.sink.hold(500 + chance.below(3_000));
    count('the log was not read for a while');
  }

  /** Where the gateway reads its configuration again when it is told to; a broken one changes nothing. */
  async function reload({ random: chance }: Crew): Promise<void> {
    if (dying || !catches(gateway.process.pid, SIGHUP)) return;
    const isBroken = chance.chance(0.3);
    world.configure(isBroken ? `${world.yaml}\nmodels: [` : `${world.yaml}\n# ${newNumber()}\n`);
    gateway.process.kill('SIGHUP');
    count(isBroken ? 'told to take a broken configuration' : 'told to take a new configuration');
    await Bun.sleep(500);
    world.configure(world.yaml);
  }

  return {
    expectDeath() {
      dying = true;
    },
    async leave() {
      life.end();
      await all;
    },
  };
}

const PLACES = [
  '/v1/models',
  '/v1/info',
  '/readyz',
  '/errors',
  '/c1/conversations?limit=5',
  '/c1/conversations?q=zwei',
];

async function lookAround({ life, random, isDying, count }: Crew): Promise<void> {
  const path = random.pick(PLACES) ?? '/healthz';
  try {
    const response = await life.request(path);
    const text = await life.text(response);
    if (isDying()) return;
    if (response.status !== 200 && path !== '/readyz')
      life.book.fault(`${path} was answered ${response.status} ${text.slice(0, 500)}`);
    count('looked around');
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  }
}
