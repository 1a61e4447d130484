// What the routes of /c1/conversations take and answer.
import { z } from 'zod';
import { MAX_PAGE, MAX_TITLE_CHARS } from '../../domain/limits.ts';
import { userIdShape } from './scope.ts';
import { turnShape } from './turn-shapes.ts';

const wholeNumber = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback)
    .meta({ documentedBy: z.int().min(min).max(max).default(fallback) });

export const ownerQuery = z.object({
  user_id: userIdShape
    .optional()
    .describe('The end user whose conversation it is, if it was begun with a `user_id`.'),
});

export const listQuery = ownerQuery.extend({
  limit: wholeNumber(1, MAX_PAGE, 20).describe('How many at once.'),
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER, 0).describe('How many to leave out before.'),
  q: z
    .string()
    .max(500)
    .optional()
    .describe('Only those with this text in their title or messages.'),
});

export const readQuery = ownerQuery.extend({
  tree: z
    .enum(['0', '1'])
    .optional()
    .describe('`1`: the messages of all branches, parents before children, and their turns.'),
});

const titleShape = z.string().trim().min(1).max(MAX_TITLE_CHARS);
const bodyUserId = userIdShape.nullish().describe('The same as the query parameter of this name.');

export const changeShape = z
  .strictObject({
    title: titleShape.nullable().optional().describe('null for none.'),
    metadata: z
      .record(z.string().min(1).max(64), z.string().max(512))
      .refine((pairs) => Object.keys(pairs).length <= 16, 'takes at most 16 pairs')
      .optional()
      .meta({
        description: 'Your own notes, at most 16. Replaces what was there.',
        maxProperties: 16,
      }),
    head: z
      .string()
      .min(1)
      .optional()
      .describe('Go on from this message: it and what leads to it become the current path.'),
    user_id: bodyUserId,
  })
  .describe('What to change. At least one of `title`, `metadata` and `head`.');

export const forkShape = z
  .strictObject({
    node: z
      .string()
      .min(1)
      .nullish()
      .describe('The last message to share; the head where left out.'),
    title: titleShape.nullish().describe("The original's where left out."),
    user_id: bodyUserId,
  })
  .describe('Where to fork. An empty body forks at the head.');

const when = z.int().describe('Unix seconds.');

export const conversationSummaryShape = z
  .object({
    id: z.string(),
    title: z.string().nullable().describe('From the first message, until somebody changes it.'),
    model: z.string().describe('The alias of its last turn.'),
    message_count: z.int().describe('Messages on the current path, the system prompt not counted.'),
    created_at: when,
    last_used_at: when,
  })
  .describe('A conversation in a list.');

export const conversationListShape = z
  .object({
    items: z.array(conversationSummaryShape),
    total: z.int().describe('All that there are, on every page.'),
    limit: z.int(),
    offset: z.int(),
  })
  .describe('A page of conversations, the one that was used last first.');

export const conversationShape = conversationSummaryShape
  .extend({
    object: z.literal('conversation'),
    user_id: z.string().nullable(),
    head: z.string().nullable().describe('Its last message; null before the first answer.'),
    system: z.string().nullable().describe('The system prompt.'),
    tools: z.array(z.unknown()).describe('Those that the next turn inherits.'),
    metadata: z.record(z.string(), z.string()),
  })
  .describe('A conversation without its messages.');

const storedMessageShape = z
  .looseObject({
    id: z.string(),
    parent: z.string().nullable().describe('The message before it.'),
    role: z.string(),
    content: z.unknown().optional().describe('As it goes to the model.'),
    created_at: when,
  })
  .describe('A message as it goes to the model, and what the model said beside it.');

export const conversationWithMessagesShape = conversationShape
  .extend({
    messages: z
      .array(storedMessageShape)
      .describe('The current path, oldest first; with `tree=1` every branch.'),
    turns: z
      .array(turnShape)
      .optional()
      .describe('With `tree=1`: the turns that made the messages and are over, oldest first.'),
  })
  .describe('A conversation with its messages.');

export type ConversationSummary = z.output<typeof conversationSummaryShape>;
export type ConversationList = z.output<typeof conversationListShape>;
export type ConversationDetail = z.output<typeof conversationShape>;
export type StoredMessage = z.output<typeof storedMessageShape>;
export type ConversationWithMessages = z.output<typeof conversationWithMessagesShape>;
