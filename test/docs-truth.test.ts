// What the manual says is true: its tables are those of the code. Its examples are run by docs-examples.test.ts and
// docs-python.test.ts, its links followed by docs-links.test.ts.
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { PARTS, settings, withParts, type Setting } from '../scripts/write-docs.ts';
import { loadConfig } from '../src/config/load.ts';
import { NAMED_VARIABLES } from '../src/config/overrides.ts';
import { ERROR_CATALOGUE } from '../src/domain/error-catalogue.ts';
import { chatShape } from '../src/http/c1/chat-shape.ts';
import { matches, page, PAGES, ROOT, section, textOf } from './harness/manual-pages.ts';
import { ROUTES } from './harness/routes.ts';
import { sourceFiles } from './harness/source.ts';

/** What any HTTP server says and reads; `content-type` of requests is told, as it can be refused. */
const HTTPS_OWN = new Set([
  'transfer-encoding',
  'host',
  'content-length',
  'cache-control',
  'content-disposition',
  'etag',
  'vary',
]);

describe('the tables of', () => {
  for (const path of Object.keys(PARTS)) {
    test(`${path} are those of the code (npm run docs writes them)`, () => {
      expect(withParts(path, page(path))).toBe(page(path));
    });
  }

  test('routes in the README are those that are served', () => {
    const served = [
      ...textOf('src/http/app.ts').matchAll(
        /\['(public|token|relief|local|browser)', '([A-Z]+)', '([^']+)',/g,
      ),
    ].map(([, access, method, path = '']) => {
      const shown = path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}');
      return `${method} ${shown} ${['token', 'relief', 'browser'].includes(access ?? '') ? 'yes' : 'no'}`;
    });
    const shown = [...page('README.md').matchAll(/^\| `([A-Z]+ \S+)` +\| (yes|no) +\|/gm)].map(
      ([, route, token]) => `${route} ${token}`,
    );
    expect(served.length).toBeGreaterThan(10);
    expect(shown.toSorted()).toEqual(served.toSorted());
  });

  test('fields of a message to /c1 are those that the gateway acts on', () => {
    const told = matches(
      section(page('docs/conversations.md'), '## What can be sent'),
      /^\| `(\w+)`/gm,
    );
    expect(told.toSorted()).toEqual(Object.keys(chatShape.shape).toSorted());
  });

  test('headers are those that are read and set', () => {
    const told = (heading: string) =>
      matches(section(page('docs/headers.md'), heading), /^\| `([\w-]+)`/gm).toSorted();
    const http = [...sourceFiles()].filter(([path]) => /^(?:http|access|domain)\//.test(path));
    const found = (pattern: RegExp) =>
      http
        .filter(([path]) => !/security-headers\.ts$|\/openapi\//.test(path))
        .flatMap(([, text]) => matches(text, pattern));
    const read = new Set(found(/headers\.get\('([\w-]+)'\)/g)).difference(HTTPS_OWN);
    const set = new Set([
      ...found(/headers\.set\('([\w-]+)'/g),
      ...found(/^ +'([\w-]+)': /gm).filter((name) => name.includes('-') && !name.includes('/')),
      ...found(/headers: \{ (\w+)[ :,]/g),
    ]).difference(HTTPS_OWN);
    expect([...read].toSorted()).toEqual(told('## Of requests'));
    expect([...set].toSorted()).toEqual(told('## Of replies'));
  });

  test('variables are those that the code reads', () => {
    const read = new Set<string>();
    for (const text of sourceFiles().values()) {
      for (const [, literal, name] of text.matchAll(/\benv\[(?:'(\w+)'|([A-Z]+))\]/g)) {
        const constant = new RegExp(`const ${name} = '(\\w+)'`).exec(text)?.[1];
        const variable = (literal ?? constant ?? '').toUpperCase();
        if (!(variable in NAMED_VARIABLES)) read.add(variable);
      }
      for (const [, listed = ''] of text.matchAll(/\bvariable: '([A-Z_]+)'/g)) read.add(listed);
    }
    const told = section(page('docs/configuration.md'), '## Other variables');
    expect(matches(told, /^\| `(\w+)`/gm).toSorted()).toEqual([...read].toSorted());
  });

  test('npm scripts are those of package.json', () => {
    const told = section(page('CONTRIBUTING.md'), '## Set up');
    const listed = matches(told, /^\| `npm (?:run )?([\w:]+)`/gm);
    expect(listed.toSorted()).toEqual(Object.keys(packageJson.scripts).toSorted());
    const named = matches([...PAGES.values()].join(''), /`npm run ([\w:]+)/g);
    expect(named.filter((name) => !(name in packageJson.scripts))).toEqual([]);
  });

  test('imports are those of test/architecture.test.ts', () => {
    const rules = /folders: \{(.*?)packages: \{/s.exec(textOf('test/architecture.test.ts'))?.[1];
    const held = [...(rules ?? '').matchAll(/^ {4}'?([\w./-]+)'?: \[([^\]]*)\]/gm)].map(
      ([, folder, names = '']) => [folder, ...matches(names, /'([^']+)'/g)].join(' '),
    );
    const told = section(page('ARCHITECTURE.md'), '## Who may import whom');
    const shown = [...told.matchAll(/^\| `([^`]+)` +\| (.*?) *\|$/gm)].map(
      ([, folder, names = '']) => [folder, ...matches(names, /`([^`]+)`/g)].join(' '),
    );
    expect(held.length).toBeGreaterThan(10);
    expect(shown).toEqual(held);
  });

  test('folders in ARCHITECTURE.md are those that there are', () => {
    const below = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? `src/${entry.name}/` : `src/${entry.name}`,
    );
    const told = section(page('ARCHITECTURE.md'), '## The tree');
    const shown = matches(told, /^\| `([^`]+)`/gm);
    expect(shown.filter((path) => path.startsWith('src/')).toSorted()).toEqual(below.toSorted());
    expect(shown.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('what pages name is there:', () => {
  /** Decisions and the changelog tell of their day. */
  const current = [...PAGES].filter(([path]) => !/decisions|CHANGELOG/.test(path));
  const gone = (pattern: RegExp, isThere: (name: string) => boolean) =>
    current.flatMap(([path, text]) =>
      matches(text, pattern)
        .filter((name) => !isThere(name))
        .map((name) => `${path}: ${name}`),
    );

  test('settings', () => {
    const known = new Set(settings().map(({ path }) => path.join('.').replaceAll('.[]', '[]')));
    const sections = [...new Set(settings().map(({ path: [first = ''] }) => first))].join('|');
    const named = new RegExp(`\`((?:${sections})\\.[\\w.<>[\\]]+)\``, 'g');
    const isThere = (name: string) =>
      known.has(name) || [...known].some((setting) => setting.startsWith(`${name}.`));
    expect(matches(page('docs/configuration.md'), named).length).toBeGreaterThan(30);
    expect(gone(named, isThere)).toEqual([]);
  });

  test('routes', () => {
    const served = ROUTES.map(({ method, path }) => `${method} ${path}`);
    const asServed = (name: string) =>
      name.replace(/\?.*$/, '').replaceAll(/\{\w+\}|\*/g, 'some-id');
    const named = /`((?:GET|POST|PATCH|DELETE) \/[^`\s]*)`/g;
    expect(gone(named, (name) => served.includes(asServed(name)))).toEqual([]);
  });

  test('headers', () => {
    const known = new Set(matches(page('docs/headers.md'), /^\| `([\w-]+)`/gm));
    // Of upstreams, of proxies, and of pages.
    const others =
      /^x-(?:goog-api-key|title|forwarded-|real-ip|content-type-options|frame-options)/;
    const named = /`((?:x-[a-z-]+|retry-after[a-z-]*|idempoten[a-z-]+))\b(?!\/)/g;
    expect(gone(named, (name) => known.has(name) || others.test(name))).toEqual([]);
  });
});

test('the codes that are called reserved are those that no request gets', () => {
  const provoked = /const PROVOCATIONS[^\n]*\n(.*?)^\};/ms.exec(textOf('test/errors.test.ts'))?.[1];
  const given = matches(provoked ?? '', /^ {2}(\w+): \{/gm);
  const reserved = Object.keys(ERROR_CATALOGUE).filter((code) => !given.includes(code));
  const told = /<!-- reserved -->(.*?)<!-- end: reserved -->/s.exec(page('docs/errors.md'))?.[1];
  expect(given.length).toBeGreaterThan(10);
  expect(matches(told ?? '', /`(\w+)`/g).toSorted()).toEqual(reserved.toSorted());
});

describe('a setting', () => {
  const VALUES: Readonly<Record<string, string>> = {
    'storage.url': 'sqlite:/somewhere/else.db',
    'traces.endpoint': 'http://collector:4318',
    'traces.url': 'http://collector:4318/v1/traces',
    'traces.sample_ratio': '0.25',
    'traces.headers': '{"x-key":"a"}',
  };

  /** A value that is not the default, as a variable has it. */
  function valueFor({ path, type }: Setting): string {
    const known = VALUES[path.join('.')];
    if (known !== undefined) return known;
    const most = /^whole number, \d+ to (\d+)$/.exec(type)?.[1];
    return most ?? matches(type, /`([^`]+)`/g).at(-1) ?? 'something';
  }

  for (const setting of settings().filter(({ path }) => !path.includes('<name>'))) {
    const { path, variable } = setting;
    if (['upstreams', 'models'].includes(path.join('.'))) continue;
    test(`${path.join('.')} can be set by ${variable}`, () => {
      const value = valueFor(setting);
      const { config } = loadConfig({
        env: { [variable ?? '']: value },
        cwd: '/',
        readFile() {
          throw Object.assign(new Error('none'), { code: 'ENOENT' });
        },
      });
      const found = path.reduce<unknown>((at, key) => Reflect.get(at as object, key), config);
      const shown = typeof found === 'string' ? found : JSON.stringify(found);
      expect(shown).toBe(value);
    });
  }
});
