// Builds the site into a folder: bundles, pages, compressed forms, and the manifest that the gateway serves it by.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { renderToString } from 'preact-render-to-string';
import type { SiteFile, SiteManifest } from '../../src/http/site/manifest.ts';
import { allPages, plainFiles } from '../pages.tsx';
import { Document } from '../shell/page.tsx';
import { bundle } from './bundle.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
};
/** What is compressed already. */
const PACKED = new Set(['.png', '.woff2']);

/** From packages, taken as they are; scripts and style sheets name them, so their names hold the package's version. */
const COPIED: Record<string, string> = {
  'assets/inter-latin-5.3.0.woff2':
    'node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  'assets/swagger-ui-5.35.0.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
};

export interface WriteOptions {
  /** The root of the repository, with a slash at its end. */
  readonly root: string;
  readonly out: string;
  /** Kept in the manifest, to see when it is stale. */
  readonly sources: string;
}

export async function writeSite({ root, out, sources }: WriteOptions): Promise<SiteManifest> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const pages = allPages();
  const entries = new Set(['shell/icon.svg', 'shell/theme.ts', 'style/site.css']);
  for (const { scripts = [], styles = [] } of pages)
    for (const entry of [...scripts, ...styles]) entries.add(entry);
  const assets = await bundle({ web: join(root, 'web'), out, entries: [...entries] });

  const files: Record<string, SiteFile> = {};
  for (const [file, from] of Object.entries(COPIED))
    copyFileSync(join(root, from), join(out, file));
  for (const file of [...assets.files, ...Object.keys(COPIED)]) {
    files[`/${file}`] = { ...stored(out, file), immutable: true };
  }
  for (const page of pages) {
    const file = `pages${page.path === '/' ? '/index' : page.path}.html`;
    mkdirSync(dirname(join(out, file)), { recursive: true });
    const html = renderToString(<Document page={page} assets={assets} />);
    writeFileSync(join(out, file), `<!doctype html>\n${html}\n`);
    files[page.path] = { ...stored(out, file), policy: page.policy ?? 'strict' };
  }
  for (const { path, content, immutable = false } of plainFiles()) {
    const file = path.startsWith('/assets/') ? path.slice(1) : `pages${path}`;
    mkdirSync(dirname(join(out, file)), { recursive: true });
    writeFileSync(join(out, file), content);
    files[path] = { ...stored(out, file), ...(immutable ? { immutable } : {}) };
  }
  const manifest: SiteManifest = { sources, files };
  writeFileSync(join(out, 'site.json'), JSON.stringify(manifest));
  return manifest;
}

/** Adds the compressed forms of a file and describes it. */
function stored(out: string, file: string): SiteFile {
  const bytes = readFileSync(join(out, file));
  const extension = extname(file);
  const type = TYPES[extension];
  if (type === undefined) throw new Error(`${file}: no content type for ${extension}`);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}"`;
  if (PACKED.has(extension)) return { file, type, etag, encodings: [] };
  writeFileSync(join(out, `${file}.gz`), gzipSync(bytes, { level: 6 }));
  // Best for what every page loads; for a hundred pages, or a large package, it would take most of the build.
  const isBest = /\.(?:js|css)$/.test(file) && bytes.length < 262_144;
  const params = { [constants.BROTLI_PARAM_QUALITY]: isBest ? 11 : 5 };
  writeFileSync(join(out, `${file}.br`), brotliCompressSync(bytes, { params }));
  return { file, type, etag, encodings: ['br', 'gzip'] };
}
