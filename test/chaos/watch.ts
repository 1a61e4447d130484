// Looks at the gateway from outside while everything happens: circuits in /v1/info and in /metrics, and its memory.
import type { GatewayProcess } from '../harness/gateway.ts';
import { residentBytes } from '../harness/process-facts.ts';

const EVERY_MS = 100;

export interface Backend {
  readonly upstream: string;
  readonly circuit: 'closed' | 'open' | 'half_open';
  readonly running: number;
  readonly waiting: number;
}

export interface Seen {
  /** By upstream: how often its circuit was seen to open, and to close again, in /v1/info. */
  readonly opened: Map<string, number>;
  readonly closed: Map<string, number>;
  /** The upstreams that /metrics has counted open circuits of. */
  readonly openInMetrics: Set<string>;
  /** Resident memory of the gateway, one figure a look. */
  readonly memory: number[];
}

export interface Watch {
  readonly seen: Seen;
  stop(): Promise<void>;
}

export async function backendsOf(gateway: GatewayProcess): Promise<readonly Backend[]> {
  const response = await gateway.request('/v1/info');
  const { models } = (await response.json()) as { models: { backends: Backend[] }[] };
  return models[0]?.backends ?? [];
}

/** The values of a metric by upstream. */
export async function metricOf(
  gateway: GatewayProcess,
  name: string,
): Promise<Map<string, number>> {
  const text = await (await gateway.request('/metrics')).text();
  const line = new RegExp(`^${name}\\{[^}]*upstream="([^"]+)"[^}]*\\} (\\S+)$`, 'gm');
  return new Map(
    [...text.matchAll(line)].map(([, upstream = '', value]) => [upstream, Number(value)]),
  );
}

export function watch(gateway: GatewayProcess): Watch {
  const seen: Seen = {
    opened: new Map(),
    closed: new Map(),
    openInMetrics: new Set(),
    memory: [],
  };
  const before = new Map<string, Backend['circuit']>();
  const stopping = new AbortController();

  async function look(): Promise<void> {
    for (const { upstream, circuit } of await backendsOf(gateway)) {
      const wasClosed = (before.get(upstream) ?? 'closed') === 'closed';
      const isClosed = circuit === 'closed';
      if (wasClosed && !isClosed) increase(seen.opened, upstream);
      if (!wasClosed && isClosed) increase(seen.closed, upstream);
      before.set(upstream, circuit);
    }
    for (const [upstream, open] of await metricOf(gateway, 'gateway_open_circuits'))
      if (open > 0) seen.openInMetrics.add(upstream);
    seen.memory.push(residentBytes(gateway.process.pid));
  }

  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      await Bun.sleep(EVERY_MS);
    }
    await look();
  })();
  return {
    seen,
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}

/** Beyond this the machine is so busy that a healthy target may look like a silent one. */
const LATE_MS = 250;

/** When this process, which is the targets and the clients, was kept from running for long. */
export class Heartbeat {
  #last = performance.now();
  #late = Number.NEGATIVE_INFINITY;
  readonly #timer = setInterval(() => this.#beat(), 20);

  /** Whether it was, since then. */
  wasLateSince(from: number): boolean {
    this.#beat();
    return this.#late >= from;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    if (now - this.#last > LATE_MS) this.#late = now;
    this.#last = now;
  }
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
