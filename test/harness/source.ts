// The source as text, for tests that hold it to rules of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SRC = new URL('../../src', import.meta.url).pathname;

/** What runs in the gateway: every TypeScript file under src that is not a test's, as its path below src and its text. */
export function sourceFiles(): Map<string, string> {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.(?:test|contract|d)\.ts$/.test(path))
    .filter((path) => !/(?:^|\/)(?:contract|testing|fixtures)\//.test(path))
    .toSorted();
  return new Map(paths.map((path) => [path, readFileSync(join(SRC, path), 'utf8')]));
}

/** The codes in `new GatewayError('…'`. A code that is not a literal is reported as `<dynamic> path`. */
export function codesThrown(files: ReadonlyMap<string, string>): Set<string> {
  const codes = new Set<string>();
  for (const [path, text] of files) {
    for (const [, argument = ''] of text.matchAll(/new GatewayError\(\s*([^\s,)]+)/g)) {
      // The catalogue's own class copies itself.
      if (argument === 'this.code') continue;
      codes.add(/^'(\w+)'$/.exec(argument)?.[1] ?? `<dynamic> ${path}`);
    }
  }
  return codes;
}
