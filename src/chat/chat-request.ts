// What both APIs ask of a chat request before anything is sent: an allowed alias that can do what is asked, sound
// token limits. The rest of the request is the upstream's business.
import { GatewayError } from '../domain/errors.ts';
import type { Alias } from '../routing/catalog.ts';

/** Refuses tools for an alias that cannot call any; an empty list asks for none. */
export function checkTools(request: Readonly<Record<string, unknown>>, alias: Alias): void {
  const { tools } = request;
  if (tools === undefined || tools === null) return;
  if (!Array.isArray(tools)) {
    throw new GatewayError('invalid_field', {
      message: 'tools must be a list of tool definitions.',
      param: 'tools',
    });
  }
  if (tools.length === 0 || alias.capabilities.tools) return;
  throw new GatewayError('modality_not_supported', {
    message: `The model "${alias.name}" cannot call tools. Pick one that can: GET /v1/info lists them.`,
    param: 'tools',
  });
}
