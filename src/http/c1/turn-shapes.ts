// What the routes of /c1/turns take and answer.
import { z } from 'zod';
import { errorCodeShape } from '../site/status-shapes.ts';
import { userIdShape } from './scope.ts';

export const SEQ = /^(?:-1|\d{1,16})$/;

export const turnQuery = z.object({
  user_id: userIdShape
    .optional()
    .describe('The end user whose turn it is, if it was begun with a `user_id`.'),
});

export const eventsQuery = turnQuery.extend({
  after: z
    .string()
    .regex(SEQ, 'must be the number of the last event that was seen; -1 for none')
    .transform(Number)
    .optional()
    .describe(
      'The number of the last event that you saw (what follows the dot in its id); -1 for none. `Last-Event-ID` goes before it.',
    )
    .meta({ documentedBy: z.int().min(-1) }),
});

const tokens = z.int().nullable();
const when = z.int().nullable().describe('Unix seconds.');

export const turnShape = z
  .object({
    id: z.string(),
    object: z.literal('turn'),
    conversation_id: z.string(),
    status: z
      .enum(['accepted', 'streaming', 'completed', 'failed', 'cancelled'])
      .describe('The last three are final.'),
    parent: z.string().nullable().describe('The head that it was asked on.'),
    input_node: z.string().describe('The message that it answers.'),
    output_node: z
      .string()
      .nullable()
      .describe('The answer, once there is one: null for a failed turn.'),
    upstream: z.string().nullable().describe('Who answered.'),
    upstream_model: z.string().nullable(),
    finish_reason: z.string().nullable(),
    error_code: z.union([errorCodeShape, z.null()]).describe('Why it failed.'),
    usage: z
      .object({
        prompt_tokens: tokens,
        completion_tokens: tokens,
        cached_tokens: tokens.describe('Prompt tokens that the engine found in its KV cache.'),
        expected_cached_tokens: tokens.describe('What it should have found, by the turn before.'),
        prefix_break: z
          .enum(['epoch', 'eviction', 'render', 'upstream', 'unknown'])
          .nullable()
          .describe('Why it found less: null where it did not.'),
      })
      .describe('Tokens, expected and real prefix reuse.'),
    ttft_ms: z.number().nullable().describe('Milliseconds to the first visible token.'),
    duration_ms: z
      .number()
      .nullable()
      .describe('Milliseconds to the end, counted from acceptance like ttft_ms.'),
    created_at: when,
    started_at: when,
    ended_at: when,
  })
  .describe('One question and its answer, from acceptance to its one end.');

export const turnWithTextShape = turnShape
  .extend({
    text: z.string().describe('The text so far: also of a turn that runs, or has failed.'),
  })
  .describe('A turn, with its text as far as it has come.');

export type ShownTurn = z.output<typeof turnShape>;
export type TurnWithText = z.output<typeof turnWithTextShape>;
