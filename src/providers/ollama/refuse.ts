// What Ollama cannot do is refused before it is asked: it would leave it out and say nothing.
import { GatewayError } from '../../domain/errors.ts';

/** `what` ends "Ollama has …", e.g. `no video input`. */
export function lacking(param: string, what: string): GatewayError {
  return new GatewayError('modality_not_supported', {
    message: `The request needs ${param}, but the model runs on Ollama, which has ${what}. Leave it out, or pick a model that runs elsewhere: GET /v1/info lists them.`,
    param,
  });
}

export function malformed(param: string, expected: string): GatewayError {
  return new GatewayError('invalid_field', { message: `${param} must be ${expected}.`, param });
}
