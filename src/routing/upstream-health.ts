// What is known of one upstream.
import type { EngineInsight } from '../providers/insight/insight.ts';

export interface UpstreamHealth {
  readonly name: string;
  readonly kind: string;
  /** null until the first probe has come back. */
  readonly healthy: boolean | null;
  /** How long the answers took that decide whether it is healthy. */
  readonly latencyMs: number | null;
  /** What the last probe ran into, in a few words; one late answer alone does not make a healthy upstream unhealthy. */
  readonly problem: string | null;
  /** Unix milliseconds of the last probe. */
  readonly checkedAt: number | null;
  /** What the engine says of itself; null while it is down, and for services that say nothing. */
  readonly insight: EngineInsight | null;
}
