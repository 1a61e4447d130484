// The gateway when nobody asks: what it holds before the soak, and whether it comes back to that.
import type { GatewayProcess } from '../harness/gateway.ts';
import {
  connectionsTo,
  descriptorsOf,
  residentBytes,
  socketsOf,
} from '../harness/process-facts.ts';
import { sumOf } from './sampler.ts';
import type { World } from './world.ts';

export interface Facts {
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly sockets: number;
  /** Each of them in words. */
  readonly socketList: readonly string[];
  /** Open connections of clients to it, and from it to upstreams. */
  readonly clientConnections: number;
  readonly upstreamConnections: number;
  readonly openRequests: number;
  readonly openTurns: number;
}

/** Longer than a half-sent request may stay (15 s), and than a turn without followers (2 s here). */
const MOST_WAIT_MS = 30_000;

/** Each look is a request for /metrics: more of them would not be quiet. */
const LOOK_MS = 1_000;

/** What our own `fetch` keeps open for its next request is not the gateway's, and is left out. */
export async function factsOf(
  gateway: GatewayProcess,
  { upstreams }: Pick<World, 'upstreams'>,
): Promise<Facts> {
  const metrics = await gateway.request('/metrics');
  const text = await metrics.text();
  const { pid } = gateway.process;
  const clients = connectionsTo(Number(new URL(gateway.url).port));
  const { all, sockets } = descriptorsOf(pid);
  const ports = Object.values(upstreams).map(({ port }) => port);
  return {
    residentBytes: residentBytes(pid),
    descriptors: all - clients.kept,
    sockets: sockets - clients.kept,
    socketList: socketsOf(pid),
    clientConnections: clients.held - clients.kept,
    upstreamConnections: ports.reduce((sum, port) => sum + connectionsTo(port).kept, 0),
    // Not the one that asks.
    openRequests: sumOf(text, 'gateway_open_requests') - 1,
    openTurns: sumOf(text, 'gateway_open_turns'),
  };
}

/** Waits until it holds no more than at the start, or has had all the time for that, and so long in any case. */
export async function quieten(
  gateway: GatewayProcess,
  { world, atStart, restMs }: { world: World; atStart: Facts; restMs: number },
): Promise<Facts> {
  const restUntil = performance.now() + restMs;
  const until = performance.now() + restMs + MOST_WAIT_MS;
  for (;;) {
    for (const upstream of Object.values(world.upstreams)) upstream.hangUp();
    world.engine.hangUp();
    const facts = await factsOf(gateway, world);
    const isOver = performance.now() > until;
    const isQuiet = performance.now() > restUntil && leftovers(atStart, facts).length === 0;
    if (isOver || isQuiet) return facts;
    await Bun.sleep(LOOK_MS);
  }
}

/** What there is more of than at the start. */
export function leftovers(atStart: Facts, facts: Facts): string[] {
  const names = [
    'descriptors',
    'sockets',
    'clientConnections',
    'upstreamConnections',
    'openRequests',
    'openTurns',
  ] as const;
  const more = names
    .filter((name) => facts[name] > atStart[name])
    .map((name) => `${name} is ${facts[name]}, and was ${atStart[name]}`);
  if (more.length === 0) return [];
  const list = `its sockets are ${facts.socketList.join('; ')}`;
  return [`when all is quiet, ${more.join(', ')} at the start; ${list}`];
}
