// `dgx-gateway serve`: from configuration, engines and token to a listening server, and back to nothing on a signal.
import { readOrCreateToken } from '../access/token-file.ts';
import { discoverEngines } from '../config/discover.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { demoConfig, withDiscovered } from '../config/stand-ins.ts';
import { startDemoEngine, type DemoEngine } from '../demo/engine.ts';
import { createGateway } from '../gateway.ts';
import { listen } from '../http/listen.ts';
import { createLog } from '../observe/log.ts';
import { banner } from './banner.ts';

export interface RunningServer {
  readonly url: string;
  /** Resolves when the server has stopped: drained after the first signal, at once after the second. */
  readonly stopped: Promise<void>;
}

/** Starts the server that configuration, environment and flags describe. Throws a ConfigError when they are wrong. */
export async function runServe(argv: readonly string[]): Promise<RunningServer> {
  const loaded = loadConfig({ argv });
  const { config, demo } = await withEngines(loaded);
  const { server, auth } = config;
  const tokenFile = auth.bearer === undefined ? readOrCreateToken(server.data_dir) : null;
  const bearer = auth.bearer ?? tokenFile?.token ?? '';
  const log = createLog(config.log.level);
  const gateway = await createGateway({ config, bearer, demo: demo !== null, log });

  const signal = firstSignal();
  const listener = listen(gateway.fetch, {
    host: server.host,
    port: server.port,
  });
  const { url } = listener;
  process.stderr.write(banner({ url, config, loaded, demo: demo !== null, tokenFile }));
  gateway.probe.started({ url, config: loaded.source, demo: demo !== null, pid: process.pid });

  async function stop(by: string): Promise<void> {
    gateway.probe.draining({ signal: by, open: gateway.openWork() });
    await gateway.drain(server.drain_ms);
    await listener.close();
    await gateway.close();
    await demo?.close();
    gateway.probe.stopped();
    log.flush();
  }
  return { url, stopped: signal.then(stop) };
}

/** The configuration with what this machine has: engines that were found, or else the demo engine. */
async function withEngines({
  config,
  discover,
}: LoadedConfig): Promise<{ config: Config; demo: DemoEngine | null }> {
  if (!discover) return { config, demo: null };
  const found = withDiscovered(config, await discoverEngines());
  if (Object.keys(found.upstreams).length > 0) return { config: found, demo: null };
  const demo = startDemoEngine();
  return { config: demoConfig(config, demo.url), demo };
}

/** The first SIGTERM or SIGINT; a second one, of either kind, ends the process as signals do by default. */
function firstSignal(): Promise<string> {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      for (const name of signals) process.off(name, onSignal);
      resolve(signal);
    };
    for (const name of signals) process.on(name, onSignal);
  });
}
