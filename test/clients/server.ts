// A server of somebody else's, as a process on a free loopback port.
import { createServer, type AddressInfo } from 'node:net';

export interface Server {
  readonly url: string;
  /** What it has written so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts what `commandFor` says, and waits until it answers HTTP. */
export async function startServer(commandFor: (port: number) => string[]): Promise<Server> {
  const port = await freePort();
  const child = Bun.spawn(commandFor(port), {
    env: { PATH: '/usr/bin:/bin' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    void (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of stream) output += decoder.decode(bytes, { stream: true });
    })();
  }
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output}`);
    await Bun.sleep(50);
  }
  return {
    url,
    output: () => output,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
