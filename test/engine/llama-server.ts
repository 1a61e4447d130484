// Starts a real llama.cpp server with the tiny model, for the tests that `npm run test:engine` runs.
import { createServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';

export interface LlamaServer {
  /** Without /v1. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Resolves once it answers. */
export async function startLlamaServer(...flags: string[]): Promise<LlamaServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(port, flags);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`llama-server ended with ${child.exitCode}`);
    const healthy = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) break;
    await Bun.sleep(50);
  }
  return {
    url,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

function spawn(port: number, flags: string[]): Bun.Subprocess<'ignore', 'ignore', 'ignore'> {
  const { LLAMA_SERVER: binary, LLAMA_MODEL: model, LD_LIBRARY_PATH: libraries } = process.env;
  if (!binary || !model) throw new Error('Run this with `npm run test:engine`.');
  const where = ['--host', '127.0.0.1', '--port', String(port)];
  return Bun.spawn([binary, '-m', model, ...where, '-a', 'tiny', '--jinja', '-np', '2', ...flags], {
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [dirname(binary), libraries].filter(Boolean).join(':'),
    },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
