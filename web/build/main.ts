// `npm run site`: builds the pages into web/dist. Quick and silent when they are built already; `--force` builds anyway.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceHash } from './stale.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = join(root, 'web/dist');
const sources = sourceHash(root);

if (process.argv.includes('--force') || builtFrom() !== sources) {
  const startedAt = performance.now();
  const { writeSite } = await import('./write-site.tsx');
  const { files } = await writeSite({ root, out, sources });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stderr.write(`Built the site: ${Object.keys(files).length} files in ${seconds} s\n`);
}

function builtFrom(): string | undefined {
  const path = join(out, 'site.json');
  if (!existsSync(path)) return undefined;
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return Object.entries(manifest ?? {}).find(([key]) => key === 'sources')?.[1];
}
