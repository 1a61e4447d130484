// Where the settings of a running gateway come from, at the start and again on SIGHUP: the configuration, with the
// engines that this machine has, or else the demo engine, and the token.
import { readOrCreateToken, type TokenFile } from '../access/token-file.ts';
import type { Settings } from '../assembly/snapshot.ts';
import { discoverEngines } from '../config/discover.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/problems.ts';
import { demoConfig, withDiscovered } from '../config/stand-ins.ts';
import type { DemoEngine } from '../demo/engine.ts';

export interface LoadedSettings {
  readonly settings: Settings;
  readonly loaded: LoadedConfig;
  /** null where the configuration has a token of its own. */
  readonly tokenFile: TokenFile | null;
}

export interface SettingsSource {
  /** Reads everything anew. Rejects with a ConfigError that lists all that is wrong. */
  read(): Promise<LoadedSettings>;
  /** Stops the demo engine, if it was ever needed. */
  close(): Promise<void>;
}

export function settingsSource(argv: readonly string[]): SettingsSource {
  let demo: DemoEngine | null = null;
  let file: string | null = null;
  let tokenFile: TokenFile | null = null;

  async function withEngines({ config, discover }: LoadedConfig) {
    if (!discover) return { config, demo: false };
    const found = withDiscovered(config, await discoverEngines());
    if (Object.keys(found.upstreams).length > 0) return { config: found, demo: false };
    demo ??= await startedDemo();
    return { config: demoConfig(config, demo.url), demo: true };
  }

  return {
    async read() {
      const loaded = loadConfig({ argv });
      // gateway.yaml need not exist; but one that was there is missed.
      if (file !== null && loaded.source === null)
        throw new ConfigError([{ path: file, message: 'is not there any more' }]);
      file = loaded.source;
      const { config, demo: isDemo } = await withEngines(loaded);
      const { bearer } = config.auth;
      // The directory is that of the start: another one takes effect at the next.
      if (bearer === undefined) tokenFile ??= readOrCreateToken(config.server.data_dir);
      const token = bearer ?? tokenFile?.token ?? '';
      return {
        settings: { config, bearer: token, demo: isDemo },
        loaded,
        tokenFile: bearer === undefined ? tokenFile : null,
      };
    },
    async close() {
      await demo?.close();
    },
  };
}

/** Loaded only where it is needed, which is nowhere in earnest. */
async function startedDemo(): Promise<DemoEngine> {
  const { startDemoEngine } = await import('../demo/engine.ts');
  return startDemoEngine();
}
