// The body of POST /c1/chat: its shape, and how the document shows it.
import { z } from 'zod';
import { contentPartShape, dataUri, toolShape } from '../message-shapes.ts';
import { streamShapes } from '../stream-shapes.ts';
import { carriedParameters, limitsAndTools } from '../v1/chat-shape.ts';
import { userIdShape } from './scope.ts';

const contentShape = z.union(
  [z.string().min(1), z.array(z.unknown().meta({ documentedBy: contentPartShape })).min(1)],
  'must be a text or a list of content parts, and not empty',
);

const toolResultShape = z.looseObject({
  tool_call_id: z.string().describe('The `id` of the call.'),
  content: z
    .union([z.string(), z.array(z.unknown().meta({ documentedBy: contentPartShape }))])
    .describe('What the function returned.'),
});

export const chatShape = z.looseObject({
  model: z.string().describe('One of the aliases that `GET /v1/models` lists.'),
  message: contentShape
    .nullish()
    .describe(
      'What the user says now: a text, or parts. Required unless `images`, `tool_results` or `parent` say what to answer.',
    ),
  images: z
    .array(z.string().meta({ documentedBy: dataUri('PNG, JPEG, WebP or GIF.') }))
    .nullish()
    .describe(
      'Pictures as data URIs: they are put behind the text, so that no parts have to be written.',
    ),
  conversation_id: z
    .string()
    .min(1)
    .nullish()
    .describe('The conversation to go on with. Left out, a new one begins.'),
  user_id: userIdShape
    .nullish()
    .describe(
      'The end user for whom you ask. Conversations of another user, or of none, are not found.',
    ),
  provider: z
    .string()
    .min(1)
    .nullish()
    .describe('Ask this upstream of the alias and no other: a name from `GET /v1/info`.'),
  system: z
    .string()
    .min(1)
    .nullish()
    .describe('The system prompt. Only with the first turn: a changed one would break the prefix.'),
  tools: z
    .array(z.unknown().meta({ documentedBy: toolShape }))
    .nullish()
    .describe(
      'Functions that the model may ask to be called. Left out, those of the turn before stay.',
    ),
  tool_choice: z
    .union([z.string(), z.looseObject({})])
    .nullish()
    .describe('`auto` (the default), `none`, `required`, or one function.'),
  response_format: z
    .looseObject({ type: z.string() })
    .nullish()
    .describe('`text` (the default), `json_object` or `json_schema`.'),
  tool_results: z
    .array(toolResultShape)
    .nullish()
    .describe('Answers to all tool calls of the turn before, each exactly once.'),
  ...streamShapes,
  n: z
    .literal(1, 'must be 1: a conversation goes on from one answer')
    .nullish()
    .describe('Only 1: a conversation goes on from one answer.'),
  parent: z
    .string()
    .min(1)
    .nullable()
    .optional()
    .describe(
      'Branch: answer below this message instead of the last one. Null begins a second tree. Without `message`, the message that it names is answered again. Needs `conversation_id`.',
    ),
  expected_head: z
    .string()
    .nullish()
    .describe(
      "The conversation's `head` as you know it: `head_moved` if somebody else has gone on.",
    ),
  on_disconnect: z
    .enum(['continue', 'cancel'])
    .nullish()
    .describe(
      '`continue` (the default): the turn goes on when you leave, and can be resumed. `cancel`: it ends.',
    ),
});

export type ChatBody = z.output<typeof chatShape>;

/** The body as the document shows it. */
export const documentedChat = chatShape
  .extend({
    max_tokens: limitsAndTools.max_tokens,
    max_completion_tokens: limitsAndTools.max_completion_tokens,
    ...carriedParameters,
  })
  .describe(
    'One new message. The gateway loads what was said before and puts it in front, byte for byte, so that the engine finds its prompt in the KV cache. Fields that are not listed here are carried to the upstream.',
  );
