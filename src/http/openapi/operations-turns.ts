// The document's entries for /c1/turns.
import { z } from 'zod';
import { chunkShape } from '../chat-reply-shapes.ts';
import { eventsQuery, turnQuery, turnShape, turnWithTextShape } from '../c1/turn-shapes.ts';
import { STORE_ERRORS } from './errors-of.ts';
import { FAILED_STREAM, RESUMED_STREAM, SNAPSHOT_STREAM } from './examples/answers.ts';
import { TURN_ID } from './examples/conversation.ts';
import { CANCELLED, TURN, TURN_WITH_TEXT } from './examples/conversation-replies.ts';
import { STREAM_HEADERS } from './headers.ts';
import { EVENT_STREAM, JSON_TYPE, type Operations, type Parameter } from './operation.ts';

const ID: Parameter = {
  name: 'id',
  description: 'The turn: `x-turn-id` of the reply that began it.',
  schema: z.string(),
  example: TURN_ID,
};

export const turnOperations: Operations = {
  'GET /c1/turns/{id}': {
    operationId: 'getTurn',
    tag: 'Turns',
    summary: 'Look at a turn',
    description:
      'Its state, tokens, how much of the prompt the engine had in its cache and should have had, and the text so far.',
    path: [ID],
    query: turnQuery,
    replies: {
      200: {
        description: 'The turn.',
        content: {
          [JSON_TYPE]: {
            schema: turnWithTextShape,
            examples: { completed: { summary: 'A completed turn', value: TURN_WITH_TEXT } },
          },
        },
      },
    },
    errors: ['turn_not_found', ...STORE_ERRORS],
  },

  'GET /c1/turns/{id}/events': {
    operationId: 'followTurn',
    tag: 'Turns',
    summary: 'Follow or resume a turn',
    description:
      'The stream of the turn: what you missed, then what is still to come, without a gap or a repetition. Works while it runs and after it ended. For the whole answer in one piece, ask `GET /c1/turns/{id}`.',
    path: [ID],
    query: eventsQuery,
    queryExamples: { after: 2 },
    requestHeaders: [
      {
        name: 'Last-Event-ID',
        description:
          'The id of the last event that you saw: `<turn>.<number>`. Browsers send it by themselves when they reconnect.',
        schema: z.string(),
      },
    ],
    replies: {
      200: {
        description:
          'The events. A failed turn ends with its error, as an event. Some days after a turn its events are gone, and one `event: snapshot` with the whole answer stands for them.',
        headers: ['x-conversation-id', 'x-turn-id', ...STREAM_HEADERS],
        content: {
          [EVENT_STREAM]: {
            schema: chunkShape,
            examples: {
              resumed: { summary: 'What came after event 2', value: RESUMED_STREAM },
              snapshot: { summary: 'One event for all', value: SNAPSHOT_STREAM },
              failure: { summary: 'A turn that failed', value: FAILED_STREAM },
            },
          },
        },
      },
    },
    errors: ['turn_not_found', ...STORE_ERRORS],
  },

  'POST /c1/turns/{id}/cancel': {
    operationId: 'cancelTurn',
    tag: 'Turns',
    summary: 'Cancel a turn',
    description:
      'Ends it, before its first token too. What was visible of the answer is kept. A turn that has ended stays as it is, so that this can be sent again.',
    path: [ID],
    query: turnQuery,
    replies: {
      200: {
        description: 'The turn as it ended.',
        content: {
          [JSON_TYPE]: {
            schema: turnShape,
            examples: {
              cancelled: { summary: 'Cancelled after visible text', value: CANCELLED },
              completed: { summary: 'It had ended before', value: TURN },
            },
          },
        },
      },
    },
    errors: ['turn_not_found', ...STORE_ERRORS],
  },
};
