// In which header each kind of upstream wants the gateway's key.

/** The header that carries `key` to an upstream of this kind. */
export function credentialHeader(kind: string, key: string): Record<string, string> {
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
