// In which header each kind of upstream wants the gateway's key.
import { isOpenAiEndpoint } from './google-endpoint.ts';

/** The header that carries `key` to an upstream of this kind at this address. */
function credentialHeader(
  { kind, base_url }: { kind: string; base_url: string },
  key: string,
): Record<string, string> {
  if (isOpenAiEndpoint(kind, base_url)) return { authorization: `Bearer ${key}` };
  switch (kind) {
    case 'anthropic':
      return { 'x-api-key': key };
    case 'gemini':
      return { 'x-goog-api-key': key };
    case 'azure':
      return { 'api-key': key };
    default:
      return { authorization: `Bearer ${key}` };
  }
}

export interface Credentials {
  readonly kind: string;
  readonly base_url: string;
  readonly api_key?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** The key in its header, and what the operator wants to be sent along. */
export function headersFor(upstream: Credentials): Record<string, string> {
  const { api_key, headers } = upstream;
  // In small letters, so that an operator's header replaces ours of the same name.
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    ...(api_key === undefined ? {} : credentialHeader(upstream, api_key)),
    ...Object.fromEntries(own),
  };
}
