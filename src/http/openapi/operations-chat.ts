// The document's entry for POST /c1/chat.
import { z } from 'zod';
import { chunkShape, turnCompletionShape } from '../chat-reply-shapes.ts';
import { documentedChat } from '../c1/chat-shape.ts';
import { BODY_ERRORS, MODEL_ERRORS, STORE_ERRORS } from './errors-of.ts';
import {
  FAILED_STREAM,
  PIXEL,
  recallUsage,
  TURN_STREAM,
  turnCompletionOf,
  WEATHER_TOOL,
} from './examples/answers.ts';
import { ANSWER, CONVERSATION_ID, MODEL, QUESTION, QUESTION_ID } from './examples/conversation.ts';
import { ANSWER_HEADERS, STREAM_HEADERS } from './headers.ts';
import { EVENT_STREAM, JSON_TYPE, type Examples, type Operations } from './operation.ts';

const REQUESTS: Examples = {
  first: {
    summary: 'A new conversation',
    value: {
      model: MODEL,
      message: QUESTION,
      tools: [],
      tool_choice: 'auto',
      response_format: { type: 'text' },
      stream: false,
      max_tokens: 60,
    },
  },
  next: {
    summary: 'Its next message',
    value: {
      model: MODEL,
      conversation_id: CONVERSATION_ID,
      message: 'What is my favourite colour?',
      max_tokens: 60,
    },
  },
  stream: {
    summary: 'A streamed answer',
    value: { model: MODEL, message: QUESTION, system: 'You are brief.', stream: true },
  },
  picture: {
    summary: 'With a picture',
    value: { model: MODEL, message: 'What is in this picture?', images: [PIXEL] },
  },
  tools: {
    summary: 'With a function that the model may call',
    description:
      'Its calls come as `tool_calls`; answer each of them with `tool_results` in the next message.',
    value: { model: MODEL, message: 'What is the weather in Rome?', tools: [WEATHER_TOOL] },
  },
  again: {
    summary: 'Answer a message again',
    description: 'A branch: the answer before stays, and `GET …?tree=1` shows both.',
    value: { model: MODEL, conversation_id: CONVERSATION_ID, parent: QUESTION_ID },
  },
  edited: {
    summary: 'Begin anew with another first message',
    value: {
      model: MODEL,
      conversation_id: CONVERSATION_ID,
      parent: null,
      message: 'My favourite colour is red. Remember that.',
    },
  },
};

export const chatOperations: Operations = {
  'POST /c1/chat': {
    operationId: 'sendMessage',
    tag: 'Conversational chat',
    summary: 'Send one message',
    description:
      'Send what is new; the gateway puts in front what was said before. Without `conversation_id` a conversation begins, and the reply names it. The question is on disk before the model hears it, and the answer before you do: if the connection is lost, the turn goes on, and `GET /c1/turns/{id}/events` resumes it. Two messages at once are `conversation_busy`: turns never interleave.',
    requestHeaders: [
      {
        name: 'Idempotency-Key',
        description:
          'Makes it safe to send the request again: with the same key and the same body you get the turn that the first one made, running or done, and no model is asked twice. Up to 255 visible ASCII characters, such as a UUID, fresh for each message.',
        schema: z
          .string()
          .regex(/^[\x21-\x7e]{1,255}$/)
          .max(255),
      },
    ],
    body: {
      required: true,
      description: 'One message, and how to answer it.',
      content: { [JSON_TYPE]: { schema: documentedChat, examples: REQUESTS } },
    },
    replies: {
      200: {
        description:
          'The answer: whole, or as an event stream where `stream` is true. Each event of a stream has an `id` from which it can be resumed; `[DONE]` has none.',
        headers: ['x-conversation-id', 'x-turn-id'],
        optionalHeaders: [
          ...ANSWER_HEADERS,
          'x-gateway-applied',
          'idempotent-replayed',
          ...STREAM_HEADERS,
        ],
        content: {
          [JSON_TYPE]: {
            schema: turnCompletionShape,
            examples: {
              first: { summary: 'The first answer', value: turnCompletionOf(ANSWER) },
              next: {
                summary: 'The next one, from the cache',
                value: turnCompletionOf('Your favourite colour is teal.', recallUsage),
              },
            },
          },
          [EVENT_STREAM]: {
            schema: chunkShape,
            examples: {
              answer: { summary: 'A whole stream', value: TURN_STREAM },
              failure: { summary: 'A stream that fails in mid-answer', value: FAILED_STREAM },
            },
          },
        },
      },
    },
    errors: [
      ...BODY_ERRORS,
      ...MODEL_ERRORS,
      ...STORE_ERRORS,
      'conversation_not_found',
      'turn_not_found',
      'conversation_busy',
      'head_moved',
      'turn_cancelled',
      'idempotency_key_reused',
    ],
    errorHeaders: ['x-conversation-id', 'x-turn-id', 'x-gateway-applied', 'idempotent-replayed'],
  },
};
