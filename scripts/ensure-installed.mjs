// Installs the npm packages when they are missing or older than package-lock.json, so that `npm start`
// and `npm test` each work in a fresh clone. `production` leaves out the packages that only tests need.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}node_modules/.installed`;
const wanted = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
const production = process.argv[2] === 'production';

const [installedLock, installedScope] = existsSync(stamp)
  ? readFileSync(stamp, 'utf8').trim().split(' ')
  : [];
const satisfied = installedLock === wanted && (installedScope === 'all' || production);

if (!satisfied) {
  process.stderr.write('Installing packages (npm ci)…\n');
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(production ? ['--omit=dev'] : []),
  ];
  // npm's own words go to stderr: stdout belongs to the command that follows.
  const { status } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, `${wanted} ${production ? 'production' : 'all'}\n`);
}
