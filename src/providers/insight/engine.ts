// How a kind of upstream is looked at.
import type { Ask, Fault } from './ask.ts';
import type { EngineInsight } from './insight.ts';

export interface Finding {
  /** null when it can be used. */
  readonly fault: Fault | null;
  /** null from services that say nothing of themselves. */
  readonly insight: EngineInsight | null;
}

/** One look; what has to be remembered between two is kept inside. */
export type Look = (ask: Ask) => Promise<Finding>;
