// The examples of the manual: each is run as it is written, in the order of its page, against the demo engine. Only the
// gateway's address is another. What a page shows as the reply is compared with the reply that came.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { loadConfig } from '../src/config/load.ts';
import { ERROR_CATALOGUE } from '../src/domain/error-catalogue.ts';
import { EXAMPLES } from '../web/home/examples.ts';
import { startDemoForAll } from './harness/demo-for-all.ts';
import { allBlocks, blocksOf, matches, PAGES, ROOT, type Block } from './harness/manual-pages.ts';
import { createReader, runExample, type Reader } from './harness/manual-reader.ts';
import { shownError, shows } from './harness/shown-json.ts';
import type { TestGateway } from './harness/gateway.ts';

// Programs are started, and pages built: on a busy machine that takes its time.
setDefaultTimeout(60_000);

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startDemoForAll();
  folder = mkdtempSync(join(tmpdir(), 'manual-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const pixel =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  writeFileSync(join(folder, 'photo.png'), Buffer.from(pixel, 'base64'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await gateway.close();
});

const named = ({ path, line, code }: Block) => `${path}:${line} ${code.slice(0, 30).trim()}…`;
const withCurl = [...PAGES.keys()].filter((path) =>
  blocksOf(path).some(({ language }) => language === 'bash'),
);

describe('the shell examples', () => {
  test('are on the pages that have to have some', () => {
    expect(withCurl).toEqual(
      expect.arrayContaining(
        ['quickstart', 'authentication', 'conversations', 'streaming', 'tools', 'vision']
          .concat('image-generation', 'structured-output', 'clients')
          .map((name) => `docs/${name}.md`),
      ),
    );
  });

  test.each(withCurl)('of %s run, and give what the page shows', async (path) => {
    const reader = createReader({ url: gateway.url, folder });
    const blocks = blocksOf(path);
    for (const [index, block] of blocks.entries()) {
      if (block.language !== 'bash') continue;
      const shown = nextShown(blocks, index);
      const expected = shown && shownError(shown.code) ? shownStatus(shown.code) : 200;
      const { statuses, output } = await reader.run(block.code);
      const good = statuses.filter((status) => Math.trunc(status / 100) === 2);
      expect([block.line, output.slice(0, 600), expected === 200 ? good : statuses]).toEqual([
        block.line,
        output.slice(0, 600),
        expected === 200 ? statuses : [expected],
      ]);
      expect(statuses).not.toBeEmpty();
      if (shown) compare(shown, reader);
    }
  });
});

/** The reply that is shown for a block: the first of its section, before the next command. */
function nextShown(blocks: readonly Block[], from: number): Block | undefined {
  const after = blocks.slice(from + 1);
  const end = after.findIndex(
    ({ language, section }) => language === 'bash' || section !== blocks[from]?.section,
  );
  return after
    .slice(0, end === -1 ? undefined : end)
    .find(({ language }) => language === 'json' || language === 'text');
}

function shownStatus(code: string): number {
  return ERROR_CATALOGUE[shownError(code) ?? 'internal_error'].http_status;
}

function compare({ language, code, line }: Block, reader: Reader): void {
  if (language === 'json') {
    expect([line, shows(JSON.parse(code), JSON.parse(reader.body()))]).toEqual([line, '']);
    return;
  }
  const came = matches(reader.body(), /^data: (\{.*)$/gm).map((json): unknown => JSON.parse(json));
  for (const json of matches(code, /^data: (\{.*)$/gm)) {
    const found = came.some((event) => shows(JSON.parse(json), event) === '');
    expect([line, json, found]).toEqual([line, json, true]);
  }
}

const firstPage = EXAMPLES.map(({ language, code }) => ({
  path: 'web/home/examples.ts',
  language,
  code,
  section: 0,
  line: 0,
}));

test('the first page has examples that run', async () => {
  const reader = createReader({ url: gateway.url, folder });
  const commands = firstPage.filter(({ language }) => language === 'bash');
  for (const { code } of commands)
    expect(await reader.run(code)).toMatchObject({ statuses: [200] });
  expect(commands).toHaveLength(1);
});

/** Only from the published package can the client be imported by its name. */
const asHere = (code: string) =>
  code.replace("'dgx-chat-gateway/client'", JSON.stringify(join(ROOT, 'client/index.ts')));
const programs = [...allBlocks('ts'), ...firstPage.filter(({ language }) => language === 'ts')];

describe('a program', () => {
  test.each(programs.map((block) => [named(block), block] as const))(
    'in TypeScript runs: %s',
    async (_, { code }) => {
      const file = join(folder, `example-${Bun.hash(code).toString(36)}.ts`);
      writeFileSync(file, asHere(code).replaceAll('http://127.0.0.1:3000', gateway.url));
      const { exit, stdout, stderr } = await runExample([process.execPath, file], { folder });
      expect([exit, stderr]).toEqual([0, '']);
      if (/console\.log|stdout\.write/.test(code)) expect(stdout).not.toBeEmpty();
    },
  );

  test('in TypeScript has sound types under `strict`', async () => {
    const types = join(folder, 'types');
    mkdirSync(types);
    for (const [index, { path, line, code }] of programs.entries()) {
      const name = `${index}-${path.replaceAll(/\W/g, '-')}-${line}.ts`;
      writeFileSync(join(types, name), `${asHere(code)}\nexport {};\n`);
    }
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        lib: ['ESNext', 'DOM'],
        // Beyond `strict`: most readers have neither.
        noPropertyAccessFromIndexSignature: false,
        exactOptionalPropertyTypes: false,
      },
      include: ['*.ts'],
    };
    writeFileSync(join(types, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    expect(await runExample([tsc, '-p', types], { folder })).toMatchObject({ stdout: '', exit: 0 });
  });

  test.each(allBlocks('js').map((block) => [named(block), block] as const))(
    'in JavaScript, whose package is not installed here, can be read: %s',
    (_, { code }) => {
      expect(() => new Bun.Transpiler({ loader: 'js' }).transformSync(code)).not.toThrow();
    },
  );
});

describe('a configuration', () => {
  test.each(allBlocks('yaml').map((block) => [named(block), block] as const))(
    'is one: %s',
    (_, { code }) => {
      const references = matches(code, /env:(\w+)/g).map((name) => [name, 'x'] as const);
      const { config } = loadConfig({
        argv: ['--config', 'example.yaml'],
        env: Object.fromEntries(references),
        readFile: () => code,
      });
      expect(Object.keys(config.models)).not.toBeEmpty();
    },
  );

  test.each(allBlocks('yml', 'json', 'jsonc').map((block) => [named(block), block] as const))(
    'of another program, or a reply, can be read: %s',
    (_, { language, code }) => {
      const read = {
        yml: () => Bun.YAML.parse(code),
        json: () => JSON.parse(code) as unknown,
        jsonc: () => Bun.JSONC.parse(code),
      }[language];
      expect(read?.()).toBeTruthy();
    },
  );

  test.each(allBlocks('sh').map((block) => [named(block), block] as const))(
    'by commands is one: %s',
    async (_, { code }) => {
      expect(await runExample(['bash', '-nc', code], { folder })).toMatchObject({ exit: 0 });
      const scripts = matches(code, /\bnpm (?:run )?(\w[\w:]*)/g).filter(
        (name) => !['ci', 'install', 'test'].includes(name),
      );
      expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
      // What asks the gateway is written as bash, so that it runs.
      expect(code).not.toContain('curl ');
    },
  );
});

describe('an error', () => {
  const shown = allBlocks('json', 'text').filter(({ code }) => shownError(code) !== undefined);
  test.each(shown.map((block) => [named(block), block] as const))(
    'is as the catalogue has it: %s',
    (_, { code }) => {
      const entry = ERROR_CATALOGUE[shownError(code) ?? 'internal_error'];
      const { error } = JSON.parse(/\{[^]*\}/.exec(code)?.[0] ?? '') as { error: object };
      expect(error).toMatchObject({ type: entry.type, retryable: entry.retryable });
      expect(Object.keys(error).toSorted()).toEqual(
        ['code', 'message', 'param', 'request_id', 'retryable', 'type'].toSorted(),
      );
    },
  );
});
