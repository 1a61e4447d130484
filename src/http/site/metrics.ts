// GET /metrics: for Prometheus, in its text format.
import type { GatewayState } from '../../observe/metrics.ts';
import type { Probe } from '../../observe/probe.ts';
import type { HttpContext } from '../exchange.ts';

export interface MetricsDeps {
  readonly probe: Pick<Probe, 'metrics'>;
  gatewayState(): GatewayState;
}

export function metrics({ probe, gatewayState }: MetricsDeps) {
  return async (context: HttpContext): Promise<Response> =>
    context.body(await probe.metrics(gatewayState()), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    });
}
