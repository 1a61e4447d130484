// What a request in OpenAI's form is sent as, for the tests of this dialect.
import { GatewayError } from '../../../domain/errors.ts';
import { messagesRequest } from '../request.ts';

export const HI = { role: 'user', content: 'hi' };

/** The text that is sent; model and messages are filled in. */
export function sentText(body: object): string {
  const request = { model: 'claude-opus-4-7', messages: [HI], ...body };
  return messagesRequest({ body: JSON.stringify(request), stream: false });
}

export function sent(body: object): Record<string, unknown> {
  return JSON.parse(sentText(body)) as Record<string, unknown>;
}

/** How a request that must not be sent is refused. */
export function refusal(body: object): { code: string; param: string | null } {
  try {
    sentText(body);
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, param: error.param };
    throw error;
  }
  return { code: 'none', param: null };
}
