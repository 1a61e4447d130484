// The token of a server that was given none: made once, kept in the data directory for its owner alone, so that a
// gateway never runs open by accident.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TokenFile {
  readonly token: string;
  readonly path: string;
  readonly created: boolean;
}

/** The token in `<directory>/bearer-token`, which is created with mode 0600 when it does not exist. */
export function readOrCreateToken(directory: string): TokenFile {
  const path = join(directory, 'bearer-token');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const token = `dgx_${randomBytes(32).toString('base64url')}`;
  try {
    // `wx` lets exactly one of several starting processes create it.
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return { token, path, created: true };
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'EEXIST') throw error;
  }
  const kept = readFileSync(path, 'utf8').trim();
  if (kept === '')
    throw new Error(`${path} is empty. Delete it, and the next start makes a new token.`);
  return { token: kept, path, created: false };
}
