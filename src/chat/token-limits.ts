// max_tokens and max_completion_tokens: a reasoning model with too low a limit thinks, and answers nothing. So a limit
// below the alias's floor is raised to it, and the reply says so.
import { GatewayError } from '../domain/errors.ts';

const FIELDS = ['max_tokens', 'max_completion_tokens'] as const;

const NOTHING_RAISED: RaisedLimits = { changes: {}, applied: [] };

export interface RaisedLimits {
  /** The fields to change, with the floor as JSON text. */
  readonly changes: Readonly<Record<string, string>>;
  /** For the reply's x-gateway-applied header: `max_tokens_floored=200`, whichever field it was. */
  readonly applied: readonly string[];
}

/** Checks both limits of a request and raises them to `floor`, if there is one. */
export function raiseTokenLimits(
  request: Readonly<Record<string, unknown>>,
  floor: number | null,
): RaisedLimits {
  let changes: Record<string, string> | null = null;
  for (const field of FIELDS) {
    const value = request[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      throw new GatewayError('invalid_field', {
        message: `${field} must be a whole number.`,
        param: field,
      });
    }
    if (value < 1) {
      throw new GatewayError('max_tokens_below_minimum', {
        message: `${field} is ${value}; ask for at least 1 token${floor === null ? '' : ` (this model's floor is ${floor})`}.`,
        param: field,
      });
    }
    if (floor !== null && value < floor) {
      (changes ??= {})[field] = String(floor);
    }
  }
  return changes ? { changes, applied: [`max_tokens_floored=${floor}`] } : NOTHING_RAISED;
}
