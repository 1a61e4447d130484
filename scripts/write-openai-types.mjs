// Writes the types of the official OpenAI SDK as JSON Schema, which test/openai-types.test.ts holds every reply to.
// Run it after a new version of `openai` was installed: `node scripts/write-openai-types.mjs`. The generator needs a
// TypeScript with an API of its own, which is why both are installed into .cache/ and not for everybody.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOLS = ['ts-json-schema-generator@2.10.0', 'typescript@5.9.3'];
const TYPES = [
  'ChatCompletion',
  'ChatCompletionChunk',
  'ChatCompletionCreateParamsNonStreaming',
  'ChatCompletionCreateParamsStreaming',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const sdk = join(root, 'node_modules', 'openai');
const { version } = JSON.parse(readFileSync(join(sdk, 'package.json'), 'utf8'));
const cache = join(root, '.cache', 'types');
const generator = join(cache, 'node_modules', '.bin', 'ts-json-schema-generator');

if (!existsSync(generator)) {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'package.json'), '{"private":true}\n');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, ...TOOLS], { cwd: cache, stdio: ['ignore', 2, 2] });
}

const source = join(sdk, 'resources', 'chat', 'completions', 'completions.d.ts');
const options = ['--no-type-check', '--additional-properties', '--jsDoc', 'none'];
const definitions = {};
for (const type of TYPES) {
  const args = ['--path', source, '--type', type, ...options];
  const schema = JSON.parse(execFileSync(generator, args, { cwd: cache, maxBuffer: 1 << 26 }));
  Object.assign(definitions, schema.definitions);
}
const sorted = Object.fromEntries(
  Object.entries(definitions).toSorted(([a], [b]) => (a < b ? -1 : 1)),
);
const target = join(root, 'test', 'types', `openai-${version}.json`);
mkdirSync(join(root, 'test', 'types'), { recursive: true });
writeFileSync(
  target,
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', definitions: sorted }, null, 2)}\n`,
);
process.stdout.write(`${target}: ${Object.keys(sorted).length} types\n`);
