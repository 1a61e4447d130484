// A TCP proxy in front of a gateway, which cuts connections where a test says: what a bad network does.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly url: string;
  /** How many bytes of replies each next connection lets through before it is reset; those after the last, all. */
  cuts: number[];
  connections(): number;
  /** Resets every connection that is open. */
  cutNow(): void;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const { port } = new URL(target);
  const open = new Set<Socket>();
  let connections = 0;

  const server = createServer((client) => {
    connections++;
    let left = proxy.cuts.shift() ?? Number.POSITIVE_INFINITY;
    const upstream = connect(Number(port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes: Buffer) => {
      if (bytes.length < left) {
        left -= bytes.length;
        client.write(bytes);
        return;
      }
      upstream.destroy();
      client.write(bytes.subarray(0, left), () => client.destroy());
      left = 0;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: [],
    connections: () => connections,
    cutNow() {
      for (const socket of open) socket.destroy();
    },
    async close() {
      proxy.cutNow();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
