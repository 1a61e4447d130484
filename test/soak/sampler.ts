// Looks at the gateway once a second, from outside and through /metrics: what the verdict and the plot are made of.
import type { GatewayProcess } from '../harness/gateway.ts';
import { descriptorsOf, residentBytes } from '../harness/process-facts.ts';

const EVERY_MS = 1_000;

export interface Sample {
  /** Seconds since the soak began. */
  readonly at: number;
  /** The process that was looked at: a restart makes another one. */
  readonly pid: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly sockets: number;
  /** How long /healthz took, in milliseconds: the median and the longest of a few. */
  readonly healthMs: number;
  readonly longestHealthMs: number;
  /** What the process says of its own event loop, in milliseconds. */
  readonly loopLagMs: number;
  readonly openRequests: number;
  readonly openTurns: number;
  readonly requestsPerSecond: number;
}

export interface Sampler {
  readonly samples: Sample[];
  /** Whom to look at from now on; null while there is nobody. */
  look(gateway: GatewayProcess | null): void;
  stop(): Promise<void>;
}

export function startSampler(): Sampler {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  let watched: GatewayProcess | null = null;
  const stopping = new AbortController();
  let before = { requests: 0, at: startedAt };

  async function sample(gateway: GatewayProcess): Promise<void> {
    const { pid } = gateway.process;
    const times: number[] = [];
    for (let count = 0; count < 3; count++) times.push(await healthMs(gateway));
    const text = await (await gateway.request('/metrics')).text();
    const now = performance.now();
    const requests = sumOf(text, 'gateway_requests_total');
    const { all, sockets } = descriptorsOf(pid);
    if (gateway !== watched) return;
    samples.push({
      at: (now - startedAt) / 1000,
      pid,
      residentBytes: residentBytes(pid),
      descriptors: all,
      sockets,
      healthMs: times.toSorted((a, b) => a - b)[1] ?? 0,
      longestHealthMs: Math.max(...times),
      loopLagMs: sumOf(text, 'nodejs_eventloop_lag_p99_seconds') * 1000,
      openRequests: sumOf(text, 'gateway_open_requests'),
      openTurns: sumOf(text, 'gateway_open_turns'),
      requestsPerSecond: Math.max(0, requests - before.requests) / ((now - before.at) / 1000),
    });
    before = { requests, at: now };
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      const gateway: GatewayProcess | null = watched;
      try {
        if (gateway) await sample(gateway);
      } catch (error) {
        // Whoever kills it says so first; from anybody else it would be a find.
        if (gateway === watched) throw error;
      }
      await Bun.sleep(EVERY_MS);
    }
  })();
  return {
    samples,
    look(gateway) {
      watched = gateway;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function healthMs(gateway: GatewayProcess): Promise<number> {
  const startedAt = performance.now();
  await (await gateway.request('/healthz')).text();
  return performance.now() - startedAt;
}

/** The values of all series of a metric, added up. */
export function sumOf(metrics: string, name: string): number {
  const lines = metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}
