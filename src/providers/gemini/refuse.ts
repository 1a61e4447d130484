// What Gemini cannot do is refused before it is asked, naming the field.
import { GatewayError } from '../../domain/errors.ts';

/** `what` ends "Gemini has …", e.g. `no bias for single tokens`. */
export function lacking(param: string, what: string): GatewayError {
  return new GatewayError('modality_not_supported', {
    message: `The request needs ${param}, but the model is asked over Gemini's API, which has ${what}. Leave it out, or pick a model that runs elsewhere: GET /v1/info lists them.`,
    param,
  });
}

export function malformed(param: string, expected: string): GatewayError {
  return new GatewayError('invalid_field', { message: `${param} must be ${expected}.`, param });
}
