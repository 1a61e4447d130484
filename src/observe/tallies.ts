// What is counted of every request, in plain numbers: prom-client looks its labels up by a text that it makes of them
// each time, which costs more than all else that a count needs. Whoever asks for the metrics reads these.

/** One thing per three label values, found without making anything; nearly always the same as the time before. */
export class ByLabels<T> {
  readonly #make: () => T;
  readonly #known = new Map<string, Map<string, Map<string, T>>>();
  #last: readonly [string, string, string, T] | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  of(first: string, second: string, third: string): T {
    const last = this.#last;
    if (last && last[0] === first && last[1] === second && last[2] === third) return last[3];
    const seconds = within(this.#known, first, () => new Map<string, Map<string, T>>());
    const thirds = within(seconds, second, () => new Map<string, T>());
    const found = within(thirds, third, this.#make);
    this.#last = [first, second, third, found];
    return found;
  }

  /** All that there are, with their label values. */
  *all(): Generator<readonly [string, string, string, T]> {
    for (const [first, seconds] of this.#known)
      for (const [second, thirds] of seconds)
        for (const [third, found] of thirds) yield [first, second, third, found];
  }
}

function within<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/** How often each method ended with each status. */
export class Ends {
  readonly #counts = new Map<number, Map<string, number>>();

  count(method: string, status: number): void {
    const methods = within(this.#counts, status, () => new Map<string, number>());
    methods.set(method, (methods.get(method) ?? 0) + 1);
  }

  *all(): Generator<{ readonly method: string; readonly status: number; readonly count: number }> {
    for (const [status, methods] of this.#counts)
      for (const [method, count] of methods) yield { method, status, count };
  }
}

/** The observations of one series of a histogram. */
export class Spread {
  readonly #bounds: readonly number[];
  /** By the first bound that is not below; the last one is for what is above all. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** Its lines in Prometheus' text format. */
  lines(name: string, labels: string): string[] {
    const lines: string[] = [];
    let below = 0;
    for (const [at, count] of this.#counts.entries()) {
      below += count;
      lines.push(`${name}_bucket{le="${this.#bounds[at] ?? '+Inf'}",${labels}} ${below}`);
    }
    lines.push(`${name}_sum{${labels}} ${this.#sum}`, `${name}_count{${labels}} ${below}`);
    return lines;
  }
}

interface HistogramDefinition {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly [string, string, string];
}

/** A whole histogram in Prometheus' text format. */
export function histogramText(definition: HistogramDefinition, series: ByLabels<Spread>): string {
  const { name, help, labels } = definition;
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const [first, second, third, spread] of series.all()) {
    const values = [first, second, third];
    const pairs = labels.map((label, at) => `${label}="${escapedLabel(values[at] ?? '')}"`);
    lines.push(...spread.lines(name, pairs.join(',')));
  }
  return `${lines.join('\n')}\n`;
}

/** As the format wants label values: aliases may hold anything. */
function escapedLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
