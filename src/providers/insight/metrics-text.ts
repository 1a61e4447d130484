// Reads the few metrics that are wanted out of a page in Prometheus's text format, and skips the rest unread: a page of
// vLLM has thousands of lines. A counter is asked for without its `_total`, which not every version writes.

export interface Metrics {
  /** Over all label sets of the first of `names` that is there; null where none is. */
  sum(...names: string[]): number | null;
  max(...names: string[]): number | null;
  samples(name: string): readonly Sample[];
}

export interface Sample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export function readMetrics(text: string, wanted: ReadonlySet<string>): Metrics {
  const found = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const end = line.search(/[{\s]/);
    if (end <= 0) continue;
    const name = line.slice(0, end).replace(/_total$/, '');
    if (!wanted.has(name)) continue;
    const sample = readSample(line.slice(end));
    if (!sample) continue;
    const samples = found.get(name);
    if (samples) samples.push(sample);
    else found.set(name, [sample]);
  }

  const valuesOf = (names: string[]) => {
    const name = names.find((candidate) => found.has(candidate));
    return name === undefined ? [] : (found.get(name) ?? []).map(({ value }) => value);
  };
  return {
    sum(...names) {
      const values = valuesOf(names);
      return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
    },
    max(...names) {
      const values = valuesOf(names);
      return values.length === 0 ? null : Math.max(...values);
    },
    samples: (name) => found.get(name) ?? [],
  };
}

const LABEL = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/y;

/** What follows the name: labels in braces if any, the value, and maybe a timestamp. */
function readSample(rest: string): Sample | null {
  const labels = new Map<string, string>();
  let at = 0;
  if (rest.startsWith('{')) {
    LABEL.lastIndex = at = 1;
    for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
      labels.set(label[1] ?? '', label[2] ?? '');
      at = LABEL.lastIndex;
    }
    const close = /\s*\}/y;
    close.lastIndex = at;
    if (!close.test(rest)) return null;
    at = close.lastIndex;
  }
  const [text = ''] = rest.slice(at).trim().split(/\s+/);
  const value = text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? { labels, value } : null;
}

/** A share between 0 and 1, as engines should report it, and with rounding do not always. */
export function shareOf(value: number | null): number | null {
  return value === null ? null : Math.min(1, Math.max(0, value));
}
