// What the manual says is true: its tables are those of the code, its examples run, its links lead somewhere.
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { PARTS, settings, withParts, type Setting } from '../scripts/write-docs.ts';
import { loadConfig } from '../src/config/load.ts';
import { NAMED_VARIABLES } from '../src/config/overrides.ts';
import { startDemoEngine } from '../src/demo/engine.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../src/domain/error-catalogue.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { sourceFiles } from './harness/source.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`)
    .toSorted(),
];
const pages = new Map(PAGES.map((path) => [path, textOf(path)]));
const page = (path: string) => pages.get(path) ?? '';
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, first = '']) => first);
const section = (text: string, heading: string) =>
  text.split(/^(?=#{1,6} )/m).find((part) => part.startsWith(`${heading}\n`)) ?? '';

/** The code of every fenced block in a language, with the page it is on. */
function blocks(language: string): { path: string; code: string }[] {
  const fence = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms');
  return [...pages].flatMap(([path, text]) => matches(text, fence).map((code) => ({ path, code })));
}

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
    const named = matches([...pages.values()].join(''), /`npm run ([\w:]+)/g);
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

test('the codes that are called reserved are those that no request gets', () => {
  const provoked = /const PROVOCATIONS[^\n]*\n(.*?)^\};/ms.exec(textOf('test/errors.test.ts'))?.[1];
  const given = matches(provoked ?? '', /^ {2}(\w+): \{/gm);
  const reserved = Object.keys(ERROR_CATALOGUE).filter((code) => !given.includes(code));
  const told = /<!-- reserved -->(.*?)<!-- end: reserved -->/s.exec(page('docs/errors.md'))?.[1];
  expect(given.length).toBeGreaterThan(10);
  expect(matches(told ?? '', /`(\w+)`/g).toSorted()).toEqual(reserved.toSorted());
});

describe('a setting', () => {
  /** A value that is not the default, as a variable has it. */
  function valueFor({ path, type }: Setting): string {
    if (path.join('.') === 'storage.url') return 'sqlite:/somewhere/else.db';
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
      expect(String(found)).toBe(value);
    });
  }
});

describe('a page', () => {
  const slugs = (text: string) =>
    matches(text.replaceAll(/^```.*?^```$/gms, ''), /^#+ (.+)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    );

  for (const [path, text] of pages) {
    test(`${path} has links that lead somewhere`, () => {
      const dead = matches(text, /\]\(([^)\s]+)\)/g).filter((link) => {
        if (/^https?:/.test(link)) return false;
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? path : join(dirname(path), file);
        if (!existsSync(join(ROOT, target))) return true;
        return anchor !== undefined && !slugs(page(target)).includes(anchor);
      });
      expect(dead).toEqual([]);
    });

    test(`${path} names files that exist, and functions that they hold`, () => {
      const placeOf = (name: string) =>
        ['', 'src/', 'src/http/']
          .map((base) => base + name)
          .find((at) => existsSync(join(ROOT, at)));
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
  }
});

describe('an example', () => {
  for (const { path, code } of blocks('yaml')) {
    test(`of a configuration in ${path} is one: ${code.slice(0, 30).trim()}…`, () => {
      const references = matches(code, /env:(\w+)/g).map((name) => [name, 'x'] as const);
      const { config } = loadConfig({
        argv: ['--config', 'example.yaml'],
        env: Object.fromEntries(references),
        readFile: () => code,
      });
      expect(Object.keys(config.models)).not.toBeEmpty();
    });
  }

  test('of an error is one', () => {
    const [example] = blocks('json');
    const { error } = JSON.parse(example?.code ?? '') as { error: { code: ErrorCode } };
    const { type, retryable } = ERROR_CATALOGUE[error.code];
    expect(error).toMatchObject({ type, retryable });
  });

  test('by curl answers 200, and the answers are those that the README promises', async () => {
    await withDemo(async (gateway) => {
      const answers: string[] = [];
      let conversation = '';
      for (const { code } of blocks('bash').filter((block) => block.code.includes('curl '))) {
        // Only the example's own quoting is at work: nothing of it is changed but the address.
        const quiet = `curl() { command curl -sS -w '\\n%{http_code}' "$@"; }\n`;
        const script = quiet + code.replaceAll('http://127.0.0.1:3000', gateway.url);
        const output = await outputOf(['bash', '-c', script], { CONVERSATION: conversation });
        expect(output).toEndWith('\n200');
        conversation = /^x-conversation-id: (\S+)/im.exec(output)?.[1] ?? conversation;
        answers.push(/"content":"([^"]*)"/.exec(output)?.[1] ?? '');
      }
      expect(answers[0]).toBe('Rome.');
      expect(answers.at(-1)).toContain('teal');
      expect(answers).toHaveLength(3);
    });
  });

  test('with the SDK for TypeScript runs', async () => {
    await withDemo(async (gateway) => {
      const [example] = blocks('ts');
      const code = (example?.code ?? '').replace('http://127.0.0.1:3000', gateway.url);
      expect(await outputOf([process.execPath, '-e', code], {})).toBe('Rome.');
    });
  });
});

async function withDemo(use: (gateway: TestGateway) => Promise<void>): Promise<void> {
  const engine = startDemoEngine({ tokenDelayMs: 0 });
  const gateway = await startGateway(`
catalogue: replace
upstreams: { demo: { kind: openai, base_url: ${engine.url} } }
models: { llama-4-scout: { targets: [{ upstream: demo, model: demo }] } }
`);
  try {
    await use(gateway);
  } finally {
    await gateway.close();
    await engine.close();
  }
}

/** What a command prints; where it fails, what it complains of. */
async function outputOf(command: string[], env: Record<string, string>): Promise<string> {
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], BEARER: TOKEN, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return code === 0 ? stdout : `${stdout}${stderr}`;
}
