// Who may come in. `Authorization: Bearer` and `x-api-key` carry the same token and are checked by the same code.
// Tokens are compared as SHA-256 digests in constant time, and only digests are kept.
import { timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../domain/errors.ts';

export interface Principal {
  /** Hex SHA-256 of the token: owns conversations and rate limits, and is safe to store. */
  readonly owner: string;
}

export type Authenticate = (headers: Pick<Headers, 'get'>) => Principal;

/** Checks requests against the tokens; `missing_authorization` or `invalid_authorization` otherwise. */
export function createAuthenticate(tokens: readonly string[]): Authenticate {
  const accepted = tokens.map((token) => ({
    digest: sha256(token),
    owner: Buffer.from(sha256(token)).toString('hex'),
  }));
  return (headers) => {
    const digest = sha256(presentedToken(headers));
    let found: string | undefined;
    // Every token is compared, so that the time taken does not tell which one came close.
    for (const { digest: expected, owner } of accepted) {
      if (timingSafeEqual(digest, expected)) found = owner;
    }
    if (found === undefined) throw new GatewayError('invalid_authorization');
    return { owner: found };
  };
}

function presentedToken(headers: Pick<Headers, 'get'>): string {
  const authorization = headers.get('authorization');
  if (authorization !== null) {
    const token = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1];
    if (token !== undefined) return token;
    throw new GatewayError('invalid_authorization', {
      message:
        'The Authorization header is not "Bearer <token>". Send "Authorization: Bearer <token>".',
      param: 'authorization',
    });
  }
  const key = headers.get('x-api-key')?.trim();
  if (key) return key;
  throw new GatewayError('missing_authorization');
}

function sha256(text: string): Uint8Array {
  const digest = new Uint8Array(32);
  Bun.SHA256.hash(text, digest);
  return digest;
}
