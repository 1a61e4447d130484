// Run after `npm install` where the registry does not mirror every platform's binaries: npm then leaves those optional
// packages out of package-lock.json, and `npm ci` refuses a lock that does not name them. This names them, without an
// integrity hash, as no machine whose registry lacks them can install them anyway.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const OS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'openbsd',
  'netbsd',
  'sunos',
  'win32',
  'openharmony',
  'wasm32',
];
const CPU = {
  arm64: 'arm64',
  aarch64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  'arm-': 'arm',
  arm: 'arm',
  wasm32: 'wasm32',
};
let added = 0;

for (const [, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (lock.packages[`node_modules/${name}`] || !/^\d/.test(version)) continue;
    const platform = name
      .split('/')
      .at(-1)
      .replace(/^(?:binding|tsgolint|bun)-/, '');
    const os = OS.find((candidate) => platform.includes(candidate));
    const cpu = Object.keys(CPU).find((candidate) => platform.includes(candidate));
    if (!os || !cpu) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [CPU[cpu]],
      ...(dev ? { dev: true } : {}),
      optional: true,
      os: [os === 'wasm32' ? 'none' : os],
    };
    added++;
  }
}

const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} packages named in package-lock.json\n`);
