// From entry points below web/ to minified files with a hash in their names.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Assets } from '../shell/page.tsx';

export interface Bundle extends Assets {
  /** What was written, relative to the folder it was written to. */
  readonly files: readonly string[];
}

export interface BundleOptions {
  /** The folder `web/`. */
  readonly web: string;
  readonly out: string;
  /** Relative to `web`: scripts, style sheets, and files that are taken as they are. */
  readonly entries: readonly string[];
}

/** Rejects with what the bundler complains of. */
export async function bundle({ web, out, entries }: BundleOptions): Promise<Bundle> {
  const urls = new Map<string, string>();
  const files: string[] = [];
  const isBuilt = (entry: string) => /\.(?:tsx?|css)$/.test(entry);
  for (const entry of entries.filter((name) => !isBuilt(name))) {
    const file = copied(join(web, entry), out);
    files.push(file);
    urls.set(entry, `/${file}`);
  }
  const scripts = entries.filter((entry) => isBuilt(entry));
  const built = await Bun.build({
    entrypoints: scripts.map((entry) => join(web, entry)),
    root: web,
    outdir: join(out, 'assets'),
    target: 'browser',
    format: 'esm',
    minify: true,
    splitting: true,
    publicPath: '/assets/',
    naming: {
      entry: '[name]-[hash].[ext]',
      chunk: 'chunk-[hash].[ext]',
      asset: '[name]-[hash].[ext]',
    },
    // Files that are copied: the bundler would put them into style sheets as data: addresses, which the policy refuses.
    external: ['/assets/*'],
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  // Types alone make an empty chunk.
  const outputs = built.outputs.filter(({ size }) => size > 0);
  for (const output of outputs) files.push(`assets/${basename(output.path)}`);
  const entryOutputs = outputs.filter(({ kind, path }) =>
    extname(path) === '.css' ? true : kind === 'entry-point',
  );
  for (const entry of scripts) {
    const name = basename(entry, extname(entry));
    const extension = extname(entry) === '.css' ? '.css' : '.js';
    const found = entryOutputs.filter(({ path }) =>
      new RegExp(`^${name}-[a-z0-9]+\\${extension}$`).test(basename(path)),
    );
    const [output] = found;
    if (!output || found.length > 1)
      throw new Error(
        `${entry}: ${found.length} built files have its name; give it one of its own`,
      );
    urls.set(entry, `/assets/${basename(output.path)}`);
  }
  return {
    files,
    url(entry) {
      const url = urls.get(entry);
      if (url === undefined) throw new Error(`${entry} is no entry point of the site`);
      return url;
    },
  };
}

function copied(from: string, out: string): string {
  const bytes = readFileSync(from);
  const hash = Bun.hash(bytes).toString(36).slice(0, 8);
  const extension = extname(from);
  const file = `assets/${basename(from, extension)}-${hash}${extension}`;
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), bytes);
  return file;
}
