// The links of the manual lead somewhere: in the repository, where it is Markdown, and on the site that is built of it.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ERROR_CATALOGUE } from '../src/domain/error-catalogue.ts';
import type { SiteManifest } from '../src/http/site/manifest.ts';
import { writeSite } from '../web/build/write-site.tsx';
import { matches, page, PAGES, ROOT, slugs, textOf } from './harness/manual-pages.ts';
import { ROUTES } from './harness/routes.ts';

// Programs are started, and pages built: on a busy machine that takes its time.
setDefaultTimeout(60_000);

describe.each([...PAGES])('%s', (path, text) => {
  test('has links that lead somewhere', () => {
    const dead = matches(text, /\]\(([^)\s]+)\)/g).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !slugs(page(target)).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  test('names files that exist, and functions that they hold', () => {
    const placeOf = (name: string) =>
      ['', 'src/', 'src/http/'].map((base) => base + name).find((at) => existsSync(join(ROOT, at)));
    const names = matches(text, /`([\w./-]+\/[\w.-]+\.(?:ts|mjs|yaml|json))`/g);
    expect(names.filter((name) => !/N{4}/.test(name) && placeOf(name) === undefined)).toEqual([]);
    // `name` (`file`), or in brackets: (`name`, `file`).
    const held = [
      ...text.matchAll(/`(\w+)` \(`([\w.-]+\/[\w./-]+\.ts)`/g),
      ...text.matchAll(/\(`(\w+)`, `([\w.-]+\/[\w./-]+\.ts)`/g),
    ];
    const lost = held.filter(([, symbol = '', file = '']) => {
      const place = placeOf(file);
      return place === undefined || !new RegExp(`\\b${symbol}\\b`).test(textOf(place));
    });
    expect(lost.map(([whole]) => whole)).toEqual([]);
  });
});

describe('the built site', () => {
  let out: string;
  let site: SiteManifest;
  /** The pages, by path. */
  const html = new Map<string, string>();
  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'site-'));
    site = await writeSite({ root: ROOT, out, sources: '' });
    for (const [path, { file, type }] of Object.entries(site.files))
      if (type.startsWith('text/html')) html.set(path, readFileSync(join(out, file), 'utf8'));
  });
  afterAll(() => rmSync(out, { recursive: true }));

  const ids = (path: string) => new Set(matches(html.get(path) ?? '', / id="([^"]+)"/g));

  test('has no link that leads nowhere', () => {
    // What the gateway answers itself, and the pages whose folders may not be there yet.
    const served = new Set([
      ...ROUTES.map(({ path }) => path),
      '/playground',
      '/dashboard',
      '/openapi',
      '/redoc',
      '/openapi.json',
    ]);
    const dead = [...html].flatMap(([from, text]) =>
      matches(text, / (?:href|src)="([^"]+)"/g)
        .filter((link) => {
          // A page that a script writes has it later.
          if (link === '#content' && !text.includes('<main')) return false;
          if (/^https?:\/\//.test(link)) return !/^https:\/\/(?:[\w-]+\.)+[a-z]+\//.test(link);
          const [path = '', fragment] = link.split('#');
          const to = path === '' ? from : path;
          if (!(to in site.files)) return !served.has(to);
          return fragment !== undefined && !ids(to).has(decodeURIComponent(fragment));
        })
        .map((link) => `${from}: ${link}`),
    );
    expect(html.size).toBeGreaterThan(40);
    expect(dead).toEqual([]);
  });

  test('has a heading at /docs/errors for every code', () => {
    const there = ids('/docs/errors');
    expect(Object.keys(ERROR_CATALOGUE).filter((code) => !there.has(code))).toEqual([]);
  });

  test('shows every page of the manual in the navigation, and finds it', () => {
    const overview = html.get('/docs') ?? '';
    const decisions = html.get('/docs/decisions') ?? '';
    const listed = new Set([
      ...matches(overview, / href="([^"#]+)"/g),
      ...matches(decisions, / href="([^"#]+)"/g),
    ]);
    const pages = [...html.keys()].filter((path) => path.startsWith('/docs'));
    expect(pages.filter((path) => !listed.has(path))).toEqual([]);
    const [, index = ''] = / data-index="([^"]+)"/.exec(overview) ?? [];
    const indexed = JSON.parse(readFileSync(join(out, index), 'utf8')) as {
      documentIds: Record<string, string>;
    };
    const found = new Set(Object.values(indexed.documentIds).map((id) => id.split('#')[0]));
    expect(pages.filter((path) => !found.has(path))).toEqual([]);
  });

  test('has every Markdown page of docs/ (web/manual/contents.ts names them)', () => {
    const files = [...PAGES.keys()].filter((path) => path.startsWith('docs/'));
    const shown = files.filter((path) => {
      const name = path.replace(/\.md$/, '').replace(/\/README$/, '');
      return html.has(`/${name}`);
    });
    expect(shown).toEqual(files);
  });

  test('gives programs the Markdown, and a list of it', () => {
    const list = readFileSync(join(out, site.files['/docs/llms.txt']?.file ?? ''), 'utf8');
    const links = matches(list, /\]\((\/[^)]+)\)/g);
    expect(links.length).toBeGreaterThan(20);
    expect(
      links.filter((path) => site.files[path]?.type !== 'text/markdown; charset=utf-8'),
    ).toEqual([]);
  });

  test('has no script or style within a page', () => {
    for (const [path, text] of html) {
      expect([path, matches(text, /<script(?![^>]* src=)[^>]*>/g)]).toEqual([path, []]);
      expect([path, matches(text, /(<style| style="| on\w+=")/g)]).toEqual([path, []]);
    }
  });
});
