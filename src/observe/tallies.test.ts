// Our own counting against prom-client's: the same observations make the same text.
import { expect, test } from 'bun:test';
import { Histogram, Registry } from 'prom-client';
import { ByLabels, histogramText, Spread } from './tallies.ts';

const BOUNDS = [0.005, 0.1, 1, 40];
const DEFINITION = {
  name: 'seconds',
  help: 'How long it took.',
  labels: ['route', 'alias', 'upstream'] as const,
};

test("a histogram's text is what prom-client writes of the same observations", async () => {
  const registry = new Registry();
  const theirs = new Histogram({
    name: DEFINITION.name,
    help: DEFINITION.help,
    labelNames: DEFINITION.labels,
    buckets: BOUNDS,
    registers: [registry],
  });
  const ours = new ByLabels(() => new Spread(BOUNDS));
  const names = [
    ['/v1/chat/completions', 'small', 'one'],
    ['/v1/chat/completions', 'a "b" \\ c\nd', ''],
    ['other', '', ''],
  ] as const;
  for (let at = 0; at < 200; at++) {
    const [route, alias, upstream] = names[(at * 7) % 3] ?? names[0];
    const value = [0, 0.005, 0.0051, 0.1, 0.99, 40, 41, 1e-7][(at * 5) % 8] ?? 0;
    theirs.observe({ route, alias, upstream }, value);
    ours.of(route, alias, upstream).observe(value);
  }
  expect(linesOf(histogramText(DEFINITION, ours))).toEqual(linesOf(await registry.metrics()));
});

/** Which series comes first says nothing. */
function linesOf(text: string): string[] {
  return text.trim().split('\n').toSorted();
}
