// Errors inside a reply. Anthropic names a type where HTTP has a status, and here each gets the status that it has
// outside of one, so that the same fault has the same code however it comes.
import type { GatewayError } from '../../domain/errors.ts';
import { isObject } from '../../json/document.ts';
import { errorInReply } from '../failure.ts';

const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** An error event or an error instead of a message: `{"type":"error","error":{type,message}}`. */
export function errorInMessage(upstream: string, value: unknown): GatewayError {
  const error = isObject(value) ? (value['error'] ?? value) : value;
  if (!isObject(error)) return errorInReply(upstream, error);
  const status = STATUSES[String(error['type'])];
  return errorInReply(upstream, status === undefined ? error : { code: status, ...error });
}
