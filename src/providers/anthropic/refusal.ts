// How this dialect says that it cannot do what a request asks for: nothing is left out in silence.
import { GatewayError } from '../../domain/errors.ts';

export function lacks(param: string, what: string): GatewayError {
  return new GatewayError('modality_not_supported', {
    message: `Anthropic's Messages API ${what}. Leave ${param} out, or pick a model behind another kind of upstream.`,
    param,
  });
}

export function invalid(param: string, what: string): GatewayError {
  return new GatewayError('invalid_field', { message: `${param} ${what}.`, param });
}
