// The document's entries for /c1/conversations and /c1/import.
import { z } from 'zod';
import { archiveLineShape } from '../../conversations/archive-line.ts';
import {
  changeShape,
  conversationListShape,
  conversationShape,
  conversationWithMessagesShape,
  forkShape,
  listQuery,
  ownerQuery,
  readQuery,
} from '../c1/conversation-shapes.ts';
import { BODY_ERRORS, STORE_ERRORS, TEXT_ERRORS } from './errors-of.ts';
import { ANSWER_ID, ARCHIVE, CONVERSATION_ID } from './examples/conversation.ts';
import {
  CHANGED,
  DETAIL,
  FORKED,
  SUMMARY,
  WITH_MESSAGES,
} from './examples/conversation-replies.ts';
import {
  JSON_LINES,
  JSON_TYPE,
  type Content,
  type Operations,
  type Parameter,
} from './operation.ts';

const ID: Parameter = {
  name: 'id',
  description: 'The conversation: `x-conversation-id` of the reply that began it.',
  schema: z.string(),
  example: CONVERSATION_ID,
};

const conversation = (summary: string, value: unknown): Record<string, Content> => ({
  [JSON_TYPE]: { schema: conversationShape, examples: { conversation: { summary, value } } },
});

export const conversationOperations: Operations = {
  'GET /c1/conversations': {
    operationId: 'listConversations',
    tag: 'Conversations',
    summary: 'List conversations',
    description:
      'The one that was used last comes first. `q` searches titles and messages, in any script.',
    query: listQuery,
    queryExamples: { limit: 20, offset: 0, q: 'teal' },
    replies: {
      200: {
        description: 'A page of them.',
        content: {
          [JSON_TYPE]: {
            schema: conversationListShape,
            examples: {
              page: {
                summary: 'One conversation',
                value: { items: [SUMMARY], total: 1, limit: 20, offset: 0 },
              },
            },
          },
        },
      },
    },
    errors: STORE_ERRORS,
  },

  'GET /c1/conversations/{id}': {
    operationId: 'getConversation',
    tag: 'Conversations',
    summary: 'Read a conversation',
    description: 'With its messages: those of the current path, or of all branches.',
    path: [ID],
    query: readQuery,
    queryExamples: { tree: '0' },
    replies: {
      200: {
        description: 'The conversation and its messages.',
        content: {
          [JSON_TYPE]: {
            schema: conversationWithMessagesShape,
            examples: { conversation: { summary: 'Two messages', value: WITH_MESSAGES } },
          },
        },
      },
    },
    errors: ['conversation_not_found', ...STORE_ERRORS],
  },

  'PATCH /c1/conversations/{id}': {
    operationId: 'updateConversation',
    tag: 'Conversations',
    summary: 'Change a conversation',
    description: 'Its title, your own notes, or the branch that it goes on from.',
    path: [ID],
    query: ownerQuery,
    body: {
      required: true,
      description: 'What to change.',
      content: {
        [JSON_TYPE]: {
          schema: changeShape,
          examples: {
            rename: {
              summary: 'A title and a note',
              value: { title: 'Colours', metadata: { project: 'atlas' } },
            },
            branch: { summary: 'Go on from another message', value: { head: ANSWER_ID } },
          },
        },
      },
    },
    replies: {
      200: {
        description: 'The conversation as it is now.',
        content: conversation('Renamed', CHANGED),
      },
    },
    errors: [...BODY_ERRORS, 'conversation_not_found', 'conversation_busy', ...STORE_ERRORS],
  },

  'DELETE /c1/conversations/{id}': {
    operationId: 'deleteConversation',
    tag: 'Conversations',
    summary: 'Delete a conversation',
    description:
      'For good: its messages, pictures, turns and search terms. A running turn is cancelled. Forks of it stay.',
    path: [ID],
    query: ownerQuery,
    replies: { 204: { description: 'It is gone.' } },
    errors: ['conversation_not_found', ...STORE_ERRORS],
  },

  'POST /c1/conversations/{id}/fork': {
    operationId: 'forkConversation',
    tag: 'Conversations',
    summary: 'Fork a conversation',
    description:
      'A new conversation with the same history up to `node`: the same bytes, so the same cached prefix.',
    path: [ID],
    query: ownerQuery,
    body: {
      required: false,
      description: 'Where to fork.',
      content: {
        [JSON_TYPE]: {
          schema: forkShape,
          examples: {
            head: { summary: 'At the head', value: {} },
            node: {
              summary: 'After a message, with a title',
              value: { node: ANSWER_ID, title: 'Another colour' },
            },
          },
        },
      },
    },
    replies: {
      201: {
        description: 'The new conversation.',
        headers: ['x-conversation-id'],
        content: conversation('The fork', FORKED),
      },
    },
    errors: [...TEXT_ERRORS, 'conversation_not_found', ...STORE_ERRORS],
  },

  'GET /c1/conversations/{id}/export': {
    operationId: 'exportConversation',
    tag: 'Conversations',
    summary: 'Export a conversation',
    description:
      'All of it, without loss, one JSON object a line: the conversation, then its epochs, pictures, messages of all branches, and turns.',
    path: [ID],
    query: ownerQuery,
    replies: {
      200: {
        description: 'The file.',
        headers: ['content-disposition'],
        content: {
          [JSON_LINES]: {
            schema: archiveLineShape,
            examples: { archive: { summary: 'Two messages and a turn', value: ARCHIVE } },
          },
        },
      },
    },
    errors: ['conversation_not_found', ...STORE_ERRORS],
  },

  'POST /c1/import': {
    operationId: 'importConversation',
    tag: 'Conversations',
    summary: 'Import a conversation',
    description:
      'What an export wrote, from this gateway or another. It keeps its ids; every message is checked against its hash. A conversation that is here already is not overwritten.',
    query: ownerQuery,
    body: {
      required: true,
      description: 'An export. `application/x-ndjson` and `application/jsonlines` mean the same.',
      content: {
        [JSON_LINES]: {
          schema: archiveLineShape,
          examples: { archive: { summary: 'Two messages and a turn', value: ARCHIVE } },
        },
      },
    },
    replies: {
      201: {
        description: 'The conversation, restored.',
        headers: ['x-conversation-id'],
        content: conversation('As it was exported', DETAIL),
      },
    },
    errors: [...TEXT_ERRORS, ...STORE_ERRORS],
  },
};
