// Whether the built site is that of the sources: a hash of all that goes into it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Files and folders that the site is made of, from the root of the repository. */
const SOURCES = [
  'web',
  'docs',
  'client',
  'src/domain',
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'package-lock.json',
];
const NOT_SOURCES = /(?:^|\/)(?:dist|node_modules)(?:\/|$)|\.test\.tsx?$/;

export function sourceHash(root: string): string {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap((source) => filesBelow(root, source)).toSorted()) {
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

function filesBelow(root: string, source: string): string[] {
  // A published package comes without some of them, and with the site already built.
  if (!existsSync(join(root, source))) return [];
  if (statSync(join(root, source)).isFile()) return [source];
  return readdirSync(join(root, source), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).split(sep).join('/'))
    .filter((path) => !NOT_SOURCES.test(path));
}
