// What is wrong with a configuration, said so that one reading mends it: every problem at once, each with the place
// where the value came from, and the nearest name that would have been right.

export interface Problem {
  /** Where the setting is, e.g. `upstreams.spark.kind`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Thrown instead of starting half-configured; its message has one line per problem. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(
      problems
        .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
        .join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const MAX_SHOWN_CHARS = 80;

/** A rejected value as a message shows it: short, on one line, and without credentials in a URL. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const shown = JSON.stringify(typeof value === 'string' ? hideUserInfo(value) : value);
  return shown.length > MAX_SHOWN_CHARS ? `${shown.slice(0, MAX_SHOWN_CHARS)}…` : shown;
}

/** A URL's text without the user name and password in it. */
export function hideUserInfo(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, '$1***@');
}

/** Setting names as one path: `models."gpt-5.5-pro".targets[0].model`. Quotes keep a dot inside a name apart. */
export function formatPath(segments: readonly PropertyKey[]): string {
  let path = '';
  for (const segment of segments) {
    if (typeof segment === 'number') path += `[${segment}]`;
    else {
      const name = String(segment);
      const shown = /^[^."[\]\s]+$/.test(name) ? name : JSON.stringify(name);
      path += path === '' ? shown : `.${shown}`;
    }
  }
  return path;
}

/** `; did you mean base_url?`, or nothing where no known name is near. */
export function didYouMean(name: string, known: Iterable<string>, prefix = ''): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
}

/** The known name with the fewest edits to `name`, if they are few enough to be a slip of the hand. */
function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.slice(0, MAX_SHOWN_CHARS).toLowerCase();
  let nearest: string | undefined;
  let fewest = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < fewest && distance < Math.max(wanted.length, candidate.length)) {
      fewest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Levenshtein's distance: insertions, deletions and replacements of single characters. */
function editDistance(left: string, right: string): number {
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, inserted, (above[column] ?? 0) + 1));
    }
    above = current;
  }
  return above[right.length] ?? 0;
}
