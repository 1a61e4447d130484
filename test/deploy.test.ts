// What is in deploy/ fits the gateway: dashboards and alerts ask for metrics and labels that there are, and the unit
// waits as long as the drain takes.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../src/config/load.ts';
import { SPAN_FLUSH_MS } from '../src/domain/limits.ts';
import { METRICS } from '../src/observe/metric-definitions.ts';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

const DEPLOY = new URL('../deploy/', import.meta.url).pathname;
const textOf = (name: string) => readFileSync(join(DEPLOY, name), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] };
}

const { groups } = Bun.YAML.parse(textOf('alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(textOf('grafana-dashboard.json')) as Dashboard;
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ...dashboard.annotations.list.flatMap(({ expr }) => expr ?? []),
];

let upstream: FakeUpstream;
let gateway: TestGateway;
/** What Prometheus adds by itself, and the labels of each metric that there is. */
const FROM_PROMETHEUS = ['job', 'instance', 'le'];
const labels = new Map<string, readonly string[]>([['up', []]]);
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) /gm)) labels.set(name, []);
  for (const { name, labels: own } of Object.values(METRICS)) {
    if (labels.has(name)) labels.set(name, own);
  }
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** The metrics in an expression, each with the labels that are chosen by right behind it. */
function metricsIn(expression: string): { name: string; chosen: string[] }[] {
  const found = expression.matchAll(/\b((?:gateway|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g);
  return [...found].map(([, name = '', selector = '']) => ({
    name: labels.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, ''),
    chosen: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  }));
}

describe('an expression', () => {
  test('asks for metrics that there are, by labels that they have', () => {
    expect(expressions.length).toBeGreaterThan(40);
    const faults = expressions.flatMap((expression) => {
      const metrics = metricsIn(expression);
      const known = metrics.flatMap(({ name }) => labels.get(name) ?? []);
      const groupedBy = [...expression.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(
        ([, list = '']) => list.split(/[,\s]+/),
      );
      return [
        ...(metrics.length === 0 ? ['no metric'] : []),
        ...metrics.filter(({ name }) => !labels.has(name)).map(({ name }) => `no metric ${name}`),
        ...metrics.flatMap(({ name, chosen }) =>
          chosen
            .filter((label) => ![...FROM_PROMETHEUS, ...(labels.get(name) ?? [])].includes(label))
            .map((label) => `${name} has no label ${label}`),
        ),
        ...groupedBy
          .filter((label) => label !== '' && ![...FROM_PROMETHEUS, ...known].includes(label))
          .map((label) => `nothing in it has a label ${label}`),
      ].map((fault) => `${fault}: ${expression}`);
    });
    expect(faults).toEqual([]);
  });

  test('that is wrong is found by this test', () => {
    expect(metricsIn('rate(gateway_nothing_total{a="b"}[5m])')).toEqual([
      { name: 'gateway_nothing_total', chosen: ['a'] },
    ]);
    expect(labels.has('gateway_nothing_total')).toBe(false);
    expect(metricsIn('x(gateway_turn_first_token_seconds_bucket)')[0]?.name).toBe(
      'gateway_turn_first_token_seconds',
    );
  });
});

describe('the alerts', () => {
  test('have names of their own, a severity and words, and the manual says what to do about each', () => {
    const manual = readFileSync(join(DEPLOY, '../docs/operations.md'), 'utf8');
    const told = [...manual.matchAll(/^\| `(Gateway\w+)` /gm)].map(([, name]) => name);
    expect(rules.map(({ alert }) => alert)).toEqual([...new Set(told)] as string[]);
    for (const { labels: own, annotations } of rules) {
      expect(['warning', 'critical']).toContain(own.severity);
      expect(annotations.summary.length).toBeGreaterThan(10);
      expect(annotations.description.length).toBeGreaterThan(10);
    }
  });

  const PROMTOOL = '/usr/bin/promtool';
  test.if(existsSync(PROMTOOL))('fire when they should, as promtool sees it', async () => {
    for (const command of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const child = Bun.spawn([PROMTOOL, ...command], {
        cwd: DEPLOY,
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const output = await new Response(child.stderr).text();
      expect([await child.exited, output]).toEqual([0, '']);
    }
  });

  test('are those that the example of a Prometheus loads', () => {
    const config = Bun.YAML.parse(textOf('prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string }[];
    };
    expect(config.rule_files).toEqual(['alerts.yml']);
    expect(config.scrape_configs.map(({ job_name }) => job_name)).toEqual(['gateway']);
  });
});

describe('the dashboard for Grafana', () => {
  const { panels } = dashboard;

  test('has panels with ids, titles, words and queries of their own', () => {
    expect(dashboard.schemaVersion).toBeGreaterThan(36);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, description, targets = [] } of panels) {
      expect(title).not.toBe('');
      if (type === 'row') continue;
      expect(description).toBeTruthy();
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });

  test('lays them out within 24 columns, none over another', () => {
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`)).toBe(false);
          taken.add(`${x},${y}`);
        }
    }
  });

  test('asks the data source and by the choices that it offers', () => {
    const offered = dashboard.templating.list.map(({ name }) => name);
    const asked = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name);
    const unknown = asked.filter(
      (name) => !offered.includes(name ?? '') && !name?.startsWith('__'),
    );
    expect(unknown).toEqual([]);
  });
});

test('the unit for systemd waits longer than the drain, the last words and the last spans', () => {
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(textOf('dgx-gateway.service'))?.[1]);
  const { config } = loadConfig({ env: {}, cwd: '/', readFile: () => '' });
  expect(seconds * 1_000).toBeGreaterThan(config.server.drain_ms + 2_000 + SPAN_FLUSH_MS + 5_000);
});

test('the example for nginx lets bodies through that the gateway takes, and closes idle connections first', () => {
  const text = textOf('nginx.conf');
  const { config } = loadConfig({ env: {}, cwd: '/', readFile: () => '' });
  const megabytes = Number(/client_max_body_size (\d+)m;/.exec(text)?.[1]);
  expect(megabytes * 1024 * 1024).toBe(config.limits.max_body_bytes);
  expect(text).toContain('proxy_buffering off;');
});
