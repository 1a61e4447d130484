// What Gemini is sent for a request in OpenAI's form, and how it is refused.
import { GatewayError } from '../../../domain/errors.ts';
import { geminiBody } from '../request.ts';

export const FLASH = 'gemini-2.5-flash';
export const PRO = 'gemini-3.1-pro-preview';
export const USER = { role: 'user', content: 'hi' };

interface Body {
  readonly systemInstruction?: { readonly parts: readonly object[] };
  readonly contents: readonly { readonly role: string; readonly parts: readonly object[] }[];
  readonly tools?: readonly object[];
  readonly toolConfig?: object;
  readonly generationConfig?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

export function bodyOf(members: object, model = FLASH): Body {
  const request = { model: 'any', messages: [USER], ...members };
  return JSON.parse(geminiBody(JSON.stringify(request), model)) as Body;
}

export const contentsOf = (messages: readonly object[], model = FLASH) =>
  bodyOf({ messages }, model).contents;

export const configOf = (members: object, model = FLASH) => bodyOf(members, model).generationConfig;

export function refusalOf(members: object, model = FLASH): { code: string; param: string | null } {
  try {
    bodyOf(members, model);
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, param: error.param };
    throw error;
  }
  return { code: 'none', param: null };
}

export const lacks = (param: string) => ({ code: 'modality_not_supported', param });
export const isMalformed = (param: string) => ({ code: 'invalid_field', param });
