// Who imports whom, read from the import statements, and what in it breaks the rules.
import { dirname, join, normalize } from 'node:path';

export interface ImportRules {
  /** Folder (or file directly under src) -> the folders, or single files, that it may import from. */
  readonly folders: Readonly<Record<string, readonly string[]>>;
  /** Package -> the folders that may import it. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
}

/** Every breach, each as one line; empty when all is well. `files`: path below src -> source. */
export function importFaults(files: ReadonlyMap<string, string>, rules: ImportRules): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of files) {
    const targets: string[] = [];
    for (const specifier of specifiersIn(source)) {
      if (!specifier.startsWith('.')) {
        faults.push(...packageFaults(path, specifier, rules));
        continue;
      }
      const target = normalize(join(dirname(path), specifier));
      // package.json, and the SQL and YAML that are part of a folder.
      if (!target.endsWith('.ts')) continue;
      if (!files.has(target)) faults.push(`${path} imports ${target}, which is not there`);
      targets.push(target);
      const [from, to] = [folderOf(path), folderOf(target)];
      if (from === to) continue;
      const allowed = rules.folders[from];
      if (!allowed) faults.push(`${from} is not in the table of folders`);
      else if (!allowed.includes(to) && !allowed.includes(target)) {
        faults.push(`${path} imports ${target}: ${from} may not import from ${to}`);
      }
    }
    graph.set(path, targets);
  }
  return [...new Set([...faults, ...circlesIn(graph)])].toSorted();
}

/** The first folder of a path; the file itself where it is directly under src. */
export function folderOf(path: string): string {
  return path.split('/', 1)[0] ?? path;
}

function packageFaults(path: string, specifier: string, { packages }: ImportRules): string[] {
  if (specifier.startsWith('node:')) return [];
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const folders = packages[name];
  if (!folders) return [`${path} imports ${name}, which is not in the table of packages`];
  return folders.includes(folderOf(path))
    ? []
    : [`${path} imports ${name}, which is for ${folders.join(', ')}`];
}

/** What `import`, `export … from` and `import()` name, types included. */
export function specifiersIn(source: string): string[] {
  const statements = source.matchAll(
    /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm,
  );
  return [...statements].map(([, from, called]) => from ?? called ?? '');
}

/** Each circle once, as `a -> b -> a`. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const follow = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      circles.push(`a circle: ${[...trail.slice(start), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) follow(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) follow(path, []);
  return circles;
}
