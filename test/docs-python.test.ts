// The Python of the manual. What needs nothing but Python is run as it is written. What needs a package is compiled, and
// its arguments are held to OpenAI's request; `npm run test:clients -- docs` installs the packages and runs it.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { EXAMPLES } from '../web/home/examples.ts';
import { startDemoForAll } from './harness/demo-for-all.ts';
import type { TestGateway } from './harness/gateway.ts';
import { allBlocks, type Block } from './harness/manual-pages.ts';
import { runExample } from './harness/manual-reader.ts';
import { openAiSchema } from './harness/openai-types.ts';

// Programs are started, and pages built: on a busy machine that takes its time.
setDefaultTimeout(60_000);

const folder = tmpdir();
const python = Bun.which('python3');
const PACKAGES = /^(?:from|import) (?:openai|langchain_openai|litellm)\b/m;
/** What the SDK itself takes beside the members of the request. */
const OF_THE_SDK = ['timeout', 'extra_body', 'extra_headers'];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startDemoForAll();
});
afterAll(() => gateway.close());

const named = (blocks: readonly Block[]) =>
  blocks.map((block) => [`${block.path}:${block.line}`, block] as const);
const firstPage = EXAMPLES.filter(({ language }) => language === 'python').map((example) => ({
  ...example,
  path: 'web/home/examples.ts',
  section: 0,
  line: 0,
}));
const blocks = [...allBlocks('python'), ...firstPage];

test('all Python is marked as python', () => {
  expect(blocks.length).toBeGreaterThan(5);
  expect(allBlocks('py')).toEqual([]);
});

describe.skipIf(python === null)('Python', () => {
  test.each(named(blocks.filter(({ code }) => !PACKAGES.test(code))))(
    'without packages runs: %s',
    async (_, { code }) => {
      const program = code.replaceAll('http://127.0.0.1:3000', gateway.url);
      const { exit, stdout, stderr } = await runExample(['python3', '-c', program], { folder });
      expect([exit, stderr]).toEqual([0, '']);
      expect(stdout).toContain('teal');
    },
  );

  test.each(named(blocks.filter(({ code }) => PACKAGES.test(code))))(
    'with packages compiles, and asks with what OpenAI has: %s',
    async (_, { code }) => {
      const { exit, stdout, stderr } = await runExample(['python3', '-c', READ_CALLS, code], {
        folder,
      });
      expect([exit, stderr]).toEqual([0, '']);
      const used = JSON.parse(stdout) as string[];
      const { definitions } = openAiSchema();
      const request = definitions['ChatCompletionCreateParamsStreaming'] as {
        properties: Record<string, object>;
      };
      const known = [...Object.keys(request.properties), ...OF_THE_SDK];
      expect(known).toContain('messages');
      expect(used.filter((name) => !known.includes(name))).toEqual([]);
    },
  );
});

/** Compiles a program and prints the names of the arguments of every `….create(…)` in it. */
const READ_CALLS = `
import ast, json, sys
tree = ast.parse(sys.argv[1])
compile(tree, "example", "exec")
calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
creates = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "create"]
print(json.dumps([keyword.arg for call in creates for keyword in call.keywords]))
`;
