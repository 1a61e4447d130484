// The rules of the house that a compiler does not know: who may import whom, and how large a file may get. The table
// is the one in ARCHITECTURE.md; a new edge is a decision, made here.
import { describe, expect, test } from 'bun:test';
import { folderOf, importFaults, specifiersIn, type ImportRules } from './harness/imports.ts';
import { sourceFiles } from './harness/source.ts';

const RULES: ImportRules = {
  // Top first: everything points downwards.
  folders: {
    'main.ts': ['process-environment.ts', 'cli', 'config/problems.ts'],
    'process-environment.ts': [],
    cli: [
      'gateway.ts',
      'assembly/snapshot.ts',
      'assembly/upstreams.ts',
      'http/listen.ts',
      'demo',
      'access',
      'observe',
      'config',
      'domain',
    ],
    'gateway.ts': [
      'assembly',
      'http',
      'chat',
      'routing',
      'providers',
      'storage',
      'conversations',
      'access',
      'observe',
      'config',
      'domain',
    ],
    assembly: [
      'http',
      'chat',
      'routing',
      'providers',
      'conversations',
      'access',
      'observe',
      'config',
      'domain',
    ],
    http: [
      'chat',
      'prompt',
      'routing',
      'providers',
      'conversations',
      'access',
      'observe',
      'sse',
      'json',
      'domain',
    ],
    chat: ['prompt', 'routing', 'providers', 'conversations', 'observe', 'sse', 'json', 'domain'],
    prompt: ['conversations', 'json', 'domain'],
    routing: ['providers', 'json', 'domain'],
    providers: ['sse', 'json', 'domain'],
    storage: ['conversations', 'domain'],
    conversations: ['json', 'domain'],
    access: ['domain'],
    observe: ['domain'],
    config: ['domain'],
    sse: ['json', 'domain'],
    json: ['domain'],
    demo: ['domain'],
    domain: [],
  },
  packages: {
    hono: ['http'],
    zod: ['http', 'config', 'conversations'],
    pino: ['observe'],
    'prom-client': ['observe'],
    'bun:sqlite': ['storage'],
    'bun:ffi': ['http'],
  },
};

/** The catalogue is one table, and splitting it would only hide a part of it. */
const LONG_FOR_A_REASON = ['domain/error-catalogue.ts'];
const MOST_LINES = 350;

const files = sourceFiles();

describe('the source', () => {
  test('imports downwards only, and never in a circle', () => {
    expect(importFaults(files, RULES)).toEqual([]);
  });

  test('has a place in the table for every folder, and no folder in it that is gone', () => {
    const folders = new Set([...files.keys()].map(folderOf));
    expect(Object.keys(RULES.folders).toSorted()).toEqual([...folders].toSorted());
  });

  test('has no default exports', () => {
    const offenders = [...files].filter(([, source]) => /^\s*export\s+default\b/m.test(source));
    expect(offenders.map(([path]) => path)).toEqual([]);
  });

  test('has no folder or file for things that have no name', () => {
    const offenders = [...files.keys()].filter((path) =>
      /(?:^|\/)(?:utils?|helpers?|common|services?|misc|shared|lib)(?:\/|\.ts$)/.test(path),
    );
    expect(offenders).toEqual([]);
  });

  test(`has no file over ${MOST_LINES} lines`, () => {
    const offenders = [...files]
      .filter(([path]) => !LONG_FOR_A_REASON.includes(path))
      .map(([path, source]) => `${path}: ${source.split('\n').length - 1}`)
      .filter((entry) => Number(entry.split(': ')[1]) > MOST_LINES);
    expect(offenders).toEqual([]);
  });

  test('says in its first line what a file is for', () => {
    const offenders = [...files].filter(([, source]) => !/^(?:#!.*\n)?\/\/ \S/.test(source));
    expect(offenders.map(([path]) => path)).toEqual([]);
  });
});

describe('the checker', () => {
  const faultsOf = (planted: Record<string, string>) =>
    importFaults(new Map(Object.entries(planted)), RULES);

  test('finds an import that goes up', () => {
    const planted = {
      'domain/ids.ts': "import { log } from '../observe/log.ts';",
      'observe/log.ts': '',
    };
    expect(faultsOf(planted)).toEqual([
      'domain/ids.ts imports observe/log.ts: domain may not import from observe',
    ]);
  });

  test('finds one that goes sideways, over several lines, as a type, as an export or when called', () => {
    for (const statement of [
      "import {\n  type Limit,\n  type Rate,\n} from '../access/limit.ts';",
      "import type { Limit } from '../access/limit.ts';",
      "import '../access/limit.ts';",
      "export { limit } from '../access/limit.ts';",
      "export * from '../access/limit.ts';",
      "const limit = await import('../access/limit.ts');",
      "type Limit = import('../access/limit.ts').Limit;",
    ]) {
      const planted = { 'observe/log.ts': `// Logs.\n${statement}\n`, 'access/limit.ts': '' };
      expect(faultsOf(planted)).toHaveLength(1);
    }
  });

  test('finds a circle within a folder', () => {
    const planted = {
      'chat/a.ts': "import { b } from './b.ts';",
      'chat/b.ts': "import { c } from './c.ts';",
      'chat/c.ts': "import type { A } from './a.ts';",
    };
    expect(faultsOf(planted)).toEqual([
      'a circle: chat/a.ts -> chat/b.ts -> chat/c.ts -> chat/a.ts',
    ]);
  });

  test('finds a package where it does not belong, or that nobody decided on', () => {
    const planted = {
      'chat/a.ts': "import { Hono } from 'hono/tiny';",
      'http/b.ts': "import { Hono } from 'hono';\nimport { x } from '@scope/lib/x';",
    };
    expect(faultsOf(planted)).toEqual([
      'chat/a.ts imports hono, which is for http',
      'http/b.ts imports @scope/lib, which is not in the table of packages',
    ]);
  });

  test('finds a folder that nobody gave a place, and a file that is not there', () => {
    const planted = { 'extras/a.ts': "import { x } from '../domain/gone.ts';" };
    expect(faultsOf(planted)).toEqual([
      'extras is not in the table of folders',
      'extras/a.ts imports domain/gone.ts, which is not there',
    ]);
  });

  test('takes no text for an import', () => {
    expect(
      specifiersIn("const text = 'import it from here';\n// import x from './y.ts'\n"),
    ).toEqual([]);
  });
});
