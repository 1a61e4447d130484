// SIGHUP: the configuration is read anew. A good one takes the place of the old, of a bad one all problems are told,
// and the old one stays.
import { openSync, closeSync } from 'node:fs';
import { ConfigError } from '../config/problems.ts';
import { settingsForRestart } from '../config/restart.ts';
import type { Config } from '../config/schema.ts';
import { configHash } from '../config/secrets.ts';
import type { Gateway } from '../gateway.ts';
import type { SettingsSource } from './settings-source.ts';

export interface Reloads {
  /** The configuration that is in force. */
  config(): Config;
  /** From now on the signal does nothing. */
  close(): void;
}

export interface ReloadOptions {
  readonly gateway: Pick<Gateway, 'reload' | 'probe'>;
  readonly source: Pick<SettingsSource, 'read'>;
  /** The configuration of the start. */
  readonly config: Config;
  /** The terminal that the process was started in is gone, which is told by the same signal. */
  onHangUp(): void;
}

export function reloadOnSignal({
  gateway,
  source,
  config: initial,
  onHangUp,
}: ReloadOptions): Reloads {
  const { probe } = gateway;
  const hadTerminal = hasTerminal();
  let config = initial;
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  async function reload(): Promise<void> {
    if (closed) return;
    try {
      const { settings, loaded } = await source.read();
      if (closed) return;
      await gateway.reload(settings);
      const needRestart = settingsForRestart(initial, settings.config);
      config = settings.config;
      probe.configReloaded({ source: loaded.source, hash: configHash(config), needRestart });
    } catch (error) {
      if (error instanceof ConfigError) probe.reloadRefused(error.problems);
      else probe.backgroundFailed('reloading the configuration', error);
    }
  }

  function onSignal(): void {
    // One after another: the last file is the one that stays.
    if (hadTerminal && !hasTerminal()) onHangUp();
    else last = last.then(reload);
  }

  process.on('SIGHUP', onSignal);
  return {
    config: () => config,
    close() {
      closed = true;
    },
  };
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    // There is none, or it was hung up.
    return false;
  }
}
