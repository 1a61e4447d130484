// A TCP proxy in front of a gateway or an upstream, which cuts connections where a test says: what a bad network does.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly url: string;
  /** How many bytes of replies each next connection lets through before it is reset; those after the last, all. */
  cuts: number[];
  /** What happens to requests from now on, on old connections as on new ones. */
  fault: ConnectionFault | null;
  connections(): number;
  /** Resets every connection that is open. */
  cutNow(): void;
  /** Sends every client that is connected an RST. */
  resetNow(): void;
  close(): Promise<void>;
}

export type ConnectionFault =
  /** Connections are accepted, and nothing is passed on. */
  | 'swallows'
  /** A request is answered with an RST. */
  | 'resets'
  /** So is one on a connection that has been used before; a new connection works. */
  | 'resets used connections'
  /** The same with a FIN. */
  | 'closes used connections';

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const { port } = new URL(target);
  const open = new Set<Socket>();
  const clients = new Set<Socket>();
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
    clients.add(client);
    client.on('close', () => {
      clients.delete(client);
      upstream.destroy();
    });
    upstream.on('close', () => client.end());
    let isUsed = false;
    client.on('data', (bytes) => {
      const { fault } = proxy;
      if (fault === 'swallows') return;
      if (fault === 'resets' || (fault === 'resets used connections' && isUsed))
        client.resetAndDestroy();
      else if (fault === 'closes used connections' && isUsed) client.destroy();
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      isUsed = true;
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
    fault: null,
    connections: () => connections,
    cutNow() {
      for (const socket of open) socket.destroy();
    },
    resetNow() {
      for (const client of clients) client.resetAndDestroy();
    },
    async close() {
      proxy.cutNow();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
