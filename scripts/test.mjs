// Runs everything that has to hold before a change lands: types, lint, format, dead code, then all tests.
// The last line is the plain count that CI reads.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = process.argv.slice(2);

if (files.length === 0) {
  const check = spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' });
  if (check.status !== 0) {
    process.stdout.write('npm run check failed\n0 passed, 1 failed\n');
    process.exit(1);
  }
}

for (const [command, ...args] of [
  ['node', 'scripts/ensure-chromium.mjs'],
  ['bun', 'web/build/main.ts'],
]) {
  if (spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0) continue;
  process.stdout.write(`${[command, ...args].join(' ')} failed\n0 passed, 1 failed\n`);
  process.exit(1);
}

// Most of the time a test waits for a process or a browser: two files at once use both cores of a small machine.
const workers = files.length === 0 ? ['--parallel=2'] : [];
const tests = spawn('bun', ['test', ...workers, ...files], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'pipe'],
  // The limit has to be in the environment before Bun starts; see src/process-environment.ts.
  env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' },
});
let tail = '';
for (const stream of [tests.stdout, tests.stderr]) {
  stream.on('data', (chunk) => {
    process.stdout.write(chunk);
    tail = (tail + chunk).slice(-4000);
  });
}
tests.on('close', (code) => {
  const count = (word) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, 'm').exec(tail)?.[1] ?? 0);
  const [passed, failed, errors] = [count('pass'), count('fail'), count('errors?')];
  const ok = code === 0 && passed > 0 && failed === 0;
  process.stdout.write(`${passed} passed, ${ok ? 0 : Math.max(1, failed + errors)} failed\n`);
  process.exit(ok ? 0 : 1);
});
