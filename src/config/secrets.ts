// The configuration without its secrets: to show it, and to give it a fingerprint that may be published.

import { createHash } from 'node:crypto';
import { hideUserInfo } from './problems.ts';
import type { Config, Upstream } from './schema.ts';

const HIDDEN = '***';

/** The configuration with the token, keys, header values and credentials in URLs replaced by `***`. */
export function hideSecrets(config: Config): Config {
  const upstreams = Object.entries(config.upstreams).map(
    ([name, upstream]) => [name, hideUpstreamSecrets(upstream)] as const,
  );
  return {
    ...config,
    auth: config.auth.bearer === undefined ? {} : { bearer: HIDDEN },
    traces: hideTraceSecrets(config.traces),
    storage: { ...config.storage, url: hideUserInfo(config.storage.url) },
    upstreams: Object.fromEntries(upstreams),
  };
}

function hideTraceSecrets({ endpoint, url, headers, ...rest }: Config['traces']): Config['traces'] {
  return {
    ...rest,
    ...(endpoint !== undefined && { endpoint: hideUserInfo(endpoint) }),
    ...(url !== undefined && { url: hideUserInfo(url) }),
    headers: hidden(headers),
  };
}

function hidden(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, HIDDEN]));
}

function hideUpstreamSecrets(upstream: Upstream): Upstream {
  const { api_key, headers, ...rest } = upstream;
  return {
    ...rest,
    base_url: hideUserInfo(upstream.base_url),
    ...(api_key !== undefined && { api_key: HIDDEN }),
    headers: hidden(headers),
  };
}

/** Twelve hex digits that change when a setting does, though not when a secret does. */
export function configHash(config: Config): string {
  return createHash('sha256')
    .update(canonicalJson(hideSecrets(config)))
    .digest('hex')
    .slice(0, 12);
}

/** JSON with sorted keys, so that the order in the file does not matter. Lists keep theirs: it has a meaning. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
