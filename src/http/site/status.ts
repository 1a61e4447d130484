// GET /healthz, /readyz and /errors: public, for load balancers and for people reading an error.
import type { StoreStatus } from '../../conversations/watch-store.ts';
import { ERROR_CATALOGUE } from '../../domain/error-catalogue.ts';
import type { Health } from '../../routing/health.ts';
import type { HttpContext } from '../exchange.ts';
import { shownHealth } from '../shown-health.ts';
import type { CatalogueReply, Readiness } from './status-shapes.ts';

export interface StatusDeps {
  readonly health: Pick<Health, 'all'>;
  /** From the last background probe. */
  storeStatus(): StoreStatus;
  isDraining(): boolean;
  /** True when the built-in demo engine answers. */
  readonly demo: boolean;
  readonly version: string;
}

export function healthz(context: HttpContext): Response {
  return context.json({ status: 'ok' });
}

/** Ready means: not draining, the store works, and at least one upstream is not known to be down. */
export function readyz({ health, storeStatus, isDraining, demo, version }: StatusDeps) {
  return (context: HttpContext): Response => {
    const store = storeStatus();
    const upstreams = health.all();
    const reachable = upstreams.some(({ healthy }) => healthy !== false);
    const status = isDraining() ? 'draining' : store.ok && reachable ? 'ready' : 'not_ready';
    const body: Readiness = {
      status,
      demo,
      version,
      store,
      upstreams: upstreams.map(shownHealth),
    };
    return context.json(body, status === 'ready' ? 200 : 503);
  };
}

export function listErrors(context: HttpContext): Response {
  const entries = Object.entries(ERROR_CATALOGUE).map(([code, entry]) => ({ code, ...entry }));
  return context.json({ version: 1, count: entries.length, entries } satisfies CatalogueReply);
}
