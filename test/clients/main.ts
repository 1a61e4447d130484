// `npm run test:clients [-- NAME…]`: real clients through the gateway, and real stand-ins for providers behind it. Each
// is installed by exact version when it is asked for, and runs without a network where that can be had.
import { spawnSync } from 'node:child_process';
import { TRIALS } from './catalogue.ts';
import { install, installNode, type Packages } from './install.ts';
import type { Result } from './trial.ts';

/** Bun's limit has to be in the environment before it starts; see src/process-environment.ts. */
const ENVIRONMENT = { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' };

/** Namespaces of their own: nothing beyond loopback can be reached, and what a client leaves running ends with it. */
const ISOLATION = ['unshare', '--net', '--pid', '--fork', '--mount-proc', '--'];
const LOOPBACK_UP = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

const names = process.argv.slice(2);
const unknown = names.filter((name) => !TRIALS.some((trial) => trial.name === name));
if (unknown.length > 0) {
  const known = TRIALS.map(({ name }) => name).join(', ');
  process.stderr.write(`test:clients: unknown: ${unknown.join(', ')}. Known: ${known}.\n`);
  process.exit(1);
}

const isolated = spawnSync('unshare', [...ISOLATION.slice(1), ...LOOPBACK_UP, 'true']).status === 0;
if (!isolated) process.stderr.write('There is no unshare here: the clients can see the network.\n');
installNode();

const rows = TRIALS.filter(({ name }) => names.length === 0 || names.includes(name)).map(
  ({ name, packages }) => {
    const began = performance.now();
    const result = tried(name, packages);
    for (const fault of result.faults) process.stderr.write(`${name}: ${fault}\n`);
    for (const reason of result.skipped ?? [])
      process.stderr.write(`${name}, skipped: ${reason}\n`);
    return {
      name,
      version: [...(packages.npm ?? []), ...(packages.pip ?? [])].join(' '),
      'what it did': result.did,
      requests: result.requests,
      seconds: Math.round((performance.now() - began) / 1_000),
      result: result.faults.length === 0 ? 'ok' : 'failed',
    };
  },
);
console.table(rows);
const failed = rows.filter(({ result }) => result === 'failed').length;
process.stdout.write(`${rows.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

function tried(name: string, packages: Packages): Result {
  try {
    install(name, packages);
  } catch (error) {
    return { did: 'could not be installed', requests: 0, faults: [String(error)] };
  }
  const runner = [process.execPath, `${import.meta.dirname}/run-one.ts`, name];
  const [command = '', ...args] = isolated ? [...ISOLATION, ...LOOPBACK_UP, ...runner] : runner;
  const { stdout } = spawnSync(command, args, {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return JSON.parse(line) as Result;
  return { did: 'nothing', requests: 0, faults: [`the runner died: ${stdout}`] };
}
