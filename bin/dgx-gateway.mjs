#!/usr/bin/env node
// The `dgx-gateway` command for npx and global installs: finds the Bun that came with the package and hands over.
// src/main.ts raises Bun's limit on concurrent fetches itself, so nothing else has to be set here.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The real binary: linked by bun's install script, or still in its platform package where install scripts are off. */
function findBun() {
  const require = createRequire(import.meta.url);
  const platform = `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;
  for (const [name, binary] of [
    [platform, 'bin/bun'],
    ['bun', 'bin/bun.exe'],
  ]) {
    try {
      const path = join(dirname(require.resolve(`${name}/package.json`)), binary);
      if (existsSync(path)) return path;
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  process.stderr.write('dgx-gateway: the package "bun" is not installed; run npm install again.\n');
  return process.exit(1);
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const args = [main, ...process.argv.slice(2)];
const bun = findBun();

if (typeof process.execve === 'function') {
  process.execve(bun, [bun, ...args], process.env);
} else {
  const child = spawn(bun, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) =>
    signal ? process.kill(process.pid, signal) : process.exit(code ?? 1),
  );
}
