// What a running gateway cannot take from a configuration that is read anew: it holds a socket and a store open.
import type { Config } from './schema.ts';

/** Settings that differ and are read at the start only. */
export function settingsForRestart(before: Config, after: Config): string[] {
  const readOnce = ({ server, storage, traces }: Config): Record<string, unknown> => ({
    'server.host': server.host,
    'server.port': server.port,
    'server.data_dir': server.data_dir,
    'storage.url': storage.url,
    'storage.durability': storage.durability,
    traces: JSON.stringify(traces),
  });
  const [old, fresh] = [readOnce(before), readOnce(after)];
  return Object.keys(old).filter((setting) => old[setting] !== fresh[setting]);
}
