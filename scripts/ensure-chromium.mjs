// Installs Debian's Chromium for the tests of the pages, where none is. `CHROMIUM` names one that is elsewhere.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const wanted = process.env.CHROMIUM ?? '/usr/bin/chromium';

if (!existsSync(wanted)) {
  const root = process.getuid?.() === 0;
  const apt = (...args) => {
    const command = ['apt-get', '-qq', ...args];
    const [program, ...rest] = root ? command : ['sudo', '-n', ...command];
    return spawnSync(program, rest, {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status;
  };
  process.stderr.write("Installing Debian's Chromium for the tests of the pages…\n");
  apt('update');
  apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
  if (!existsSync(wanted)) {
    process.stderr.write(
      `There is no Chromium at ${wanted}, and it could not be installed. Install it, or set CHROMIUM to its path.\n`,
    );
    process.exit(1);
  }
}
