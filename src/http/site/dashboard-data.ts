// GET /dashboard/data: the figures behind the dashboard. The last hour, or less of it, step by step, for all or for
// one model or upstream, what each model and upstream comes to, and how the gateway is now.
import type { StoreStatus } from '../../conversations/watch-store.ts';
import type { Clock } from '../../domain/clock.ts';
import type { History, HistoryFilter, HistoryWindow } from '../../observe/history.ts';
import { BUCKET_SECONDS, seriesOf, summaryOf } from '../../observe/history-summary.ts';
import type { GatewayState } from '../../observe/metrics.ts';
import type { Catalog } from '../../routing/catalog.ts';
import type { Health } from '../../routing/health.ts';
import type { Router } from '../../routing/router.ts';
import { checkShape } from '../check-shape.ts';
import type { HttpContext } from '../exchange.ts';
import { shownHealth } from '../shown-health.ts';
import { dashboardQuery, type DashboardData } from './dashboard-shapes.ts';

export interface DashboardDataDeps {
  readonly history: Pick<History, 'read' | 'total' | 'failures' | 'pairs' | 'age'>;
  readonly catalog: Catalog;
  readonly health: Pick<Health, 'all'>;
  readonly router: Pick<Router, 'statusOf'>;
  readonly version: string;
  readonly demo: boolean;
  gatewayState(): GatewayState;
  storeStatus(): StoreStatus;
  isDraining(): boolean;
  readonly clock: Pick<Clock, 'now'>;
  uptimeMs(): number;
}

export function dashboardData(deps: DashboardDataDeps) {
  return (context: HttpContext): Response => {
    const {
      model: alias,
      upstream,
      minutes,
      step,
    } = checkShape(dashboardQuery, context.req.query());
    const window = {
      step: step / BUCKET_SECONDS,
      count: Math.max(1, Math.floor((minutes * 60) / step)),
    };
    const data = dataFor({ alias, upstream }, window, deps);
    return context.json(data, 200, { 'cache-control': 'no-store' });
  };
}

function dataFor(
  filter: HistoryFilter,
  window: HistoryWindow,
  deps: DashboardDataDeps,
): DashboardData {
  const { history, catalog, clock } = deps;
  const pairs = history.pairs();
  const [seconds, age] = [clock.now() / 1_000, history.age(window) / 1_000];
  const total = (only: HistoryFilter) => summaryOf(history.total(only, window));
  const namesOf = (key: 'alias' | 'upstream') => [...new Set(pairs.map((pair) => pair[key]))];
  return {
    now: Math.floor(seconds),
    step_seconds: window.step * BUCKET_SECONDS,
    from: Math.round(seconds - age),
    models: catalog.aliases.map(({ name }) => name),
    upstreams: deps.health.all().map(({ name }) => name),
    series: seriesOf(history.read(filter, window)),
    errors: Object.fromEntries(history.failures(filter, window)),
    total: total(filter),
    by_model: namesOf('alias').map((model) => ({
      model,
      ...total({ alias: model, upstream: filter.upstream }),
    })),
    by_upstream: namesOf('upstream').map((upstream) => ({
      upstream,
      ...total({ alias: filter.alias, upstream }),
    })),
    state: stateOf(deps),
  };
}

function stateOf(deps: DashboardDataDeps): DashboardData['state'] {
  const { gatewayState, uptimeMs, storeStatus, isDraining, version, demo } = deps;
  const { openRequests, openTurns, lagMs } = gatewayState();
  return {
    version,
    demo,
    uptime_seconds: Math.floor(uptimeMs() / 1_000),
    draining: isDraining(),
    store: storeStatus(),
    // Without the one that asks.
    open_requests: Math.max(0, openRequests - 1),
    open_turns: openTurns,
    memory_bytes: process.memoryUsage.rss(),
    event_loop_lag_ms: Math.round(lagMs * 10) / 10,
    upstreams: deps.health.all().map((health) => ({
      ...shownHealth(health),
      ...loadOf(health.name, deps),
    })),
  };
}

/** What the gateway itself knows of an upstream: its requests, and which of its models are left alone. */
function loadOf(name: string, { catalog, router }: Pick<DashboardDataDeps, 'catalog' | 'router'>) {
  const targets = catalog.aliases
    .flatMap((alias) => alias.targets)
    .filter(({ upstream }) => upstream === name);
  const statuses = targets.map((target) => ({ target, ...router.statusOf(target) }));
  const broken = statuses.filter(({ circuit }) => circuit !== 'closed');
  return {
    running: statuses[0]?.running ?? 0,
    waiting: statuses[0]?.waiting ?? 0,
    open_circuits: [...new Set(broken.map(({ target }) => target.model))],
  };
}
