// Two things that Bun's fetch takes from the environment alone. Imported first, for its effect.
//
// It runs at most 256 requests at once in a process and queues the rest in silence, unless a variable says otherwise
// before the process starts: so the process starts itself again with it. And with HTTP_PROXY set it sends even
// loopback requests to the proxy, where no local engine is: so loopback is excepted.
const { env } = process;
const LIMIT = 'BUN_CONFIG_MAX_HTTP_REQUESTS';
/** The most that Bun takes. */
const MOST = '65336';

env['NO_PROXY'] = [env['NO_PROXY'] ?? env['no_proxy'], 'localhost', '127.0.0.1', '::1']
  .filter(Boolean)
  .join(',');

if (env[LIMIT] === undefined) {
  const { execve, execPath, argv } = process;
  if (!execve) throw new Error(`Set ${LIMIT}=${MOST} in the environment and start again.`);
  // In a compiled binary the script is inside the executable, and argv[1] is not a file.
  const script = Bun.main.startsWith('/$bunfs/') ? [] : [Bun.main];
  execve(execPath, [execPath, ...script, ...argv.slice(2)], { ...env, [LIMIT]: MOST });
}
