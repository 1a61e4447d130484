// In which header each kind of upstream wants the gateway's key.
import { isOpenAiEndpoint } from './google-endpoint.ts';

/** The header that carries `key` to an upstream of this kind at this address. */
export function credentialHeader(
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
