// Puts exact versions of clients into .cache/clients/, a folder for each, where git and the packages of this
// repository do not see them. What is there already is left alone.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CACHE = new URL('../../.cache/clients/', import.meta.url).pathname;

export interface Packages {
  readonly npm?: readonly string[];
  readonly pip?: readonly string[];
  /** Whether npm may run their install scripts: some only then put their binary in its place. */
  readonly scripts?: boolean;
}

/** Several clients need a newer Node than the one that may be here; it comes as a package, too. */
const NODE_VERSION = '24.21.0';
const nodePackage = `node-${process.platform}-${process.arch}`;

export const NODE = join(CACHE, 'node', 'node_modules', nodePackage, 'bin', 'node');

export function installNode(): void {
  install('node', { npm: [`${nodePackage}@${NODE_VERSION}`] });
}

export function folderOf(name: string): string {
  return join(CACHE, name);
}

export function install(name: string, packages: Packages): void {
  const folder = folderOf(name);
  const stamp = join(folder, '.installed');
  const wanted = JSON.stringify(packages);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { npm = [], pip = [], scripts = false } = packages;
  if (npm.length > 0) {
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
    const quiet = ['--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
    run('npm', ['install', ...quiet, ...(scripts ? [] : ['--ignore-scripts']), ...npm], folder);
  }
  if (pip.length > 0) {
    run('python3', ['-m', 'venv', 'venv'], folder);
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-cache-dir'];
    run(join(folder, 'venv', 'bin', 'pip'), ['install', ...quiet, ...pip], folder);
  }
  writeFileSync(stamp, wanted);
}

function run(command: string, args: readonly string[], cwd: string): void {
  process.stderr.write(`${[command, ...args].join(' ')}\n`);
  const { status, error } = spawnSync('nice', ['-n', '15', command, ...args], {
    cwd,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? `status ${status}`}`);
}
