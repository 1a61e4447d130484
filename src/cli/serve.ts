// `dgx-gateway serve`: from configuration, engines and token to a listening server, and back to nothing on a signal.
import { LAST_LINES_MS } from '../domain/limits.ts';
import { createGateway } from '../gateway.ts';
import { listen } from '../http/listen.ts';
import { createLog } from '../observe/log.ts';
import { banner } from './banner.ts';
import { outliveFaults } from './outlive-faults.ts';
import { reloadOnSignal } from './reload.ts';
import { settingsSource } from './settings-source.ts';

export interface RunningServer {
  readonly url: string;
  /** Resolves with the exit code when the server has stopped: drained after the first signal, at once after the second. */
  readonly stopped: Promise<number>;
}

/** Starts the server that configuration, environment and flags describe. Throws a ConfigError when they are wrong. */
export async function runServe(argv: readonly string[]): Promise<RunningServer> {
  const source = settingsSource(argv);
  const { settings, loaded, tokenFile } = await source.read();
  const { config, demo } = settings;
  const { server } = config;
  const log = createLog(config.log.level);
  const gateway = await createGateway({ ...settings, log });

  const signal = firstSignal();
  const reloads = reloadOnSignal({
    gateway,
    source,
    config,
    onHangUp: () => signal.insteadOf('SIGHUP'),
  });
  const faults = outliveFaults(gateway.probe, () => signal.insteadOf('uncaughtException'));
  const listener = listen(gateway.answer, {
    host: server.host,
    port: server.port,
    deadAfterMs: config.streams.stall_ms,
  });
  gateway.descriptors.whileScarce(listener.closeIdle);
  const { url, hasSocketLimits } = listener;
  process.stderr.write(banner({ url, config, loaded, demo, tokenFile }));
  gateway.probe.started({
    url,
    config: loaded.source,
    demo,
    pid: process.pid,
    socket_limits: hasSocketLimits,
  });

  async function stop(by: string): Promise<number> {
    reloads.close();
    gateway.probe.draining({ signal: by, open: gateway.openWork() });
    await gateway.drain(reloads.config().server.drain_ms);
    await listener.close();
    await gateway.close();
    await source.close();
    gateway.probe.stopped();
    await log.end(LAST_LINES_MS);
    return faults.fatal() ? 1 : 0;
  }
  return { url, stopped: signal.came.then(stop) };
}

/** The first SIGTERM or SIGINT; a second one, of either kind, ends the process as signals do by default. */
function firstSignal(): { readonly came: Promise<string>; insteadOf(event: string): void } {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  const { promise: came, resolve } = Promise.withResolvers<string>();
  const onSignal = (signal: string): void => {
    for (const name of signals) process.off(name, onSignal);
    resolve(signal);
  };
  for (const name of signals) process.on(name, onSignal);
  return { came, insteadOf: onSignal };
}
