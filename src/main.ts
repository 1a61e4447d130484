// From the command line to a command, and the only exits of the process.
import './process-environment.ts';
import { ConfigError } from './config/problems.ts';
import packageJson from '../package.json' with { type: 'json' };

const USAGE = `dgx-gateway ${packageJson.version}

  dgx-gateway serve [--host H] [--port N] [--config FILE] [--set path=value …]
      starts the gateway (the default command)
  dgx-gateway check [--strict] [the same flags]
      validates the configuration, probes each upstream, prints the effective settings
  dgx-gateway --version | --help
`;

async function run([command = 'serve', ...rest]: readonly string[]): Promise<number> {
  if (command.startsWith('--') && command !== '--version' && command !== '--help') {
    return await run(['serve', command, ...rest]);
  }
  switch (command) {
    // Loaded only here: a process that starts itself again for its environment would load everything twice.
    case 'serve': {
      const { runServe } = await import('./cli/serve.ts');
      const server = await runServe(rest);
      return await server.stopped;
    }
    case 'check': {
      const { runCheck } = await import('./cli/check.ts');
      return await runCheck({
        argv: rest,
        env: process.env,
        cwd: process.cwd(),
        stdout: (text) => process.stdout.write(text),
        stderr: (text) => process.stderr.write(text),
      });
    }
    case '--version':
      process.stdout.write(`${packageJson.version}\n`);
      return 0;
    case '--help':
      process.stdout.write(USAGE);
      return 0;
    default:
      process.stderr.write(
        `dgx-gateway: there is no command ${JSON.stringify(command)}\n\n${USAGE}`,
      );
      return 2;
  }
}

try {
  process.exit(await run(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${startFailure(error)}\n`);
  process.exit(1);
}

function startFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof Error && Reflect.get(error, 'code') === 'EADDRINUSE') {
    return 'The port is in use. Stop what listens there, or choose another: --port N or PORT=N.';
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
