// One table of all figures, and the same as JSON in bench/results/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { quantile } from './load.ts';
import type { Figures } from './measures.ts';
import { row } from './table.ts';

export interface Measured {
  readonly measure: string;
  /** Of each round, the figures by contender. */
  readonly rounds: readonly ReadonlyMap<string, Figures>[];
}

export interface ReportOptions {
  readonly contenders: readonly string[];
  readonly heading: string;
}

const RESULTS = new URL('results/', import.meta.url).pathname;

export function report(
  measured: readonly Measured[],
  { contenders, heading }: ReportOptions,
): void {
  const [subject = '', ...others] = contenders;
  console.log(`\n${heading}; medians, and the lowest and highest round\n`);
  row(['measure', 'of it', ...contenders, ...others.map((name) => `/ ${name}`)]);
  row(['---', '---', ...contenders.map(() => '--:'), ...others.map(() => '--:')]);
  for (const { measure, rounds } of measured) {
    const figures = new Set(rounds.flatMap((round) => [...round.values()].flatMap(Object.keys)));
    for (const figure of figures) {
      const of = (name: string) =>
        rounds.flatMap((round) => {
          const value = round.get(name)?.[figure];
          return value === undefined ? [] : [value];
        });
      const ratios = others.map((name) => shown(ratiosOf(of(subject), of(name))));
      row([measure, figure, ...contenders.map((name) => spread(of(name))), ...ratios]);
    }
  }
  mkdirSync(RESULTS, { recursive: true });
  const file = `${RESULTS}${new Date().toISOString().replaceAll(':', '-')}.json`;
  writeFileSync(
    file,
    JSON.stringify(
      {
        heading,
        contenders,
        measured: measured.map(({ measure, rounds }) => ({
          measure,
          rounds: rounds.map((round) => Object.fromEntries(round)),
        })),
      },
      null,
      2,
    ),
  );
  console.log(`\nAll rounds: ${file}`);
}

/** Round by round: what the machine did meanwhile is in both. */
function ratiosOf(values: readonly number[], others: readonly number[]): number[] {
  return values.flatMap((value, at) => {
    const other = others[at];
    return other === undefined ? [] : [value / other];
  });
}

function shown(values: readonly number[]): string {
  return values.length === 0 ? '–' : brief(quantile(values, 0.5));
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${shown(values)} (${brief(least)} to ${brief(most)})`;
}

/** Three digits are more than any figure here is worth. */
function brief(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, '');
}
