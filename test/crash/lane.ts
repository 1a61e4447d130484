// One directory with one gateway after another, each killed at a random instant, and the clients of all of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFor } from '../harness/fake-upstream.ts';
import { spawnGateway, TOKEN, type GatewayProcess } from '../harness/gateway.ts';
import { Book } from './book.ts';
import { checkIntegrity, checkTouched } from './checks.ts';
import { runClient } from './clients.ts';
import type { Engine } from './engine.ts';
import { Gone, Life } from './life.ts';
import { createRandom, type Random } from '../harness/random.ts';

export interface LaneOptions {
  readonly name: string;
  readonly seed: number;
  readonly clients: number;
  readonly engine: Engine;
  /** Takes one of the kills that are left; false when there are none. */
  readonly takeKill: () => boolean;
}

/** How often all of the database is checked. */
const INTEGRITY_EVERY = 25;

/** Resolves to what its clients have seen when all kills are done. */
export async function runLane(options: LaneOptions): Promise<Book> {
  const { name, seed, engine, takeKill } = options;
  const book = new Book(`lane ${name} of seed ${seed}`);
  const random = createRandom(seed);
  const directory = mkdtempSync(join(tmpdir(), 'gateway-kills-'));
  const yaml = configFor({ url: engine.url }, 'log: { level: error }');
  writeFileSync(join(directory, 'gateway.yaml'), yaml);
  let marks = 0;
  const newMark = () => `${name}-${++marks}`;
  try {
    while (takeKill()) {
      if (random.chance(0.1)) await killAtStart(directory, random);
      else await liveAndDie({ ...options, directory, yaml, book, random, newMark });
      book.counts.kills++;
    }
    await lookBack({ engine, directory, yaml, book });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return book;

  async function killAtStart(where: string, chance: Random): Promise<void> {
    book.counts.killsAtStart++;
    const child = Bun.spawn(
      [process.execPath, new URL('../../src/main.ts', import.meta.url).pathname, 'serve'],
      {
        cwd: where,
        env: {
          PATH: process.env['PATH'],
          GATEWAY_CONFIG: join(where, 'gateway.yaml'),
          GATEWAY__SERVER__DATA_DIR: where,
          RUST_API_BEARER: TOKEN,
          PORT: '0',
        },
        stdio: ['ignore', 'ignore', 'ignore'],
      },
    );
    await Bun.sleep(20 + chance.below(250));
    child.kill('SIGKILL');
    await child.exited;
  }
}

interface LifeOptions extends LaneOptions {
  readonly directory: string;
  readonly yaml: string;
  readonly book: Book;
  readonly random: Random;
  readonly newMark: () => string;
}

async function liveAndDie(options: LifeOptions): Promise<void> {
  const { book, random, newMark, engine, directory, yaml } = options;
  const gateway = await spawnGateway({ yaml, directory });
  const life = new Life(gateway, book);
  try {
    await checkTouched({ life, engine, directory });
    if (book.counts.kills % INTEGRITY_EVERY === 0) checkIntegrity({ life, directory });
    const clients = Array.from({ length: options.clients }, () =>
      runClient({ life, newMark, random: createRandom(random.below(2 ** 32)) }),
    );
    await momentToKill(life, random);
    life.end();
    await gateway.kill('SIGKILL');
    await Promise.all(clients);
  } catch (error) {
    life.end();
    await gateway.kill('SIGKILL');
    if (!(error instanceof Gone)) throw error;
  }
  complaints(gateway, book);
}

/** After some time, or, as that is when a promise is broken most easily, right at an acknowledgement. */
async function momentToKill(life: Life, random: Random): Promise<void> {
  const afterMs = random.below(random.chance(0.2) ? 600 : 200);
  const time = Bun.sleep(afterMs);
  if (random.chance(0.5)) return await time;
  let left = 1 + random.below(25);
  await Promise.race([
    Bun.sleep(1_000),
    new Promise<void>((resolve) => {
      life.onAcknowledged = () => {
        if (--left === 0) resolve();
      };
    }),
  ]);
}

/** Once more, everything that was ever acknowledged, through a gateway that nobody kills. */
export async function lookBack(
  options: Pick<LifeOptions, 'book' | 'engine' | 'directory' | 'yaml'>,
): Promise<void> {
  const { book, directory, yaml } = options;
  const gateway = await spawnGateway({ yaml, directory });
  const life = new Life(gateway, book);
  try {
    for (const ask of book.asks) book.touched.add(ask);
    await checkTouched({ ...options, life });
    checkIntegrity({ life, directory });
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  } finally {
    await gateway.kill('SIGTERM');
  }
  complaints(gateway, book);
}

/** Nothing that happens here is an error to the gateway. */
function complaints({ stdout }: GatewayProcess, book: Book): void {
  const errors = stdout.text();
  if (/"level":(?:50|60|"error"|"fatal")/.test(errors)) book.fault(`the log says ${errors}`);
}
