// What the routes of /c1 say of the conversation of the examples.
import type { ConversationDetail, ConversationWithMessages } from '../../c1/conversation-shapes.ts';
import type { ShownTurn, TurnWithText } from '../../c1/turn-shapes.ts';
import {
  ANSWER,
  ANSWER_ID,
  ANSWERED_AT,
  ASKED_AT,
  CONVERSATION_ID,
  FORK_ID,
  MODEL,
  QUESTION,
  QUESTION_ID,
  TURN_ID,
} from './conversation.ts';

export const SUMMARY = {
  id: CONVERSATION_ID,
  title: QUESTION,
  model: MODEL,
  message_count: 2,
  created_at: ASKED_AT,
  last_used_at: ANSWERED_AT,
};

export const DETAIL: ConversationDetail = {
  ...SUMMARY,
  object: 'conversation',
  user_id: null,
  head: ANSWER_ID,
  system: null,
  tools: [],
  metadata: {},
};

export const CHANGED: ConversationDetail = {
  ...DETAIL,
  title: 'Colours',
  metadata: { project: 'atlas' },
};

export const FORKED: ConversationDetail = { ...DETAIL, id: FORK_ID, title: 'Another colour' };

export const WITH_MESSAGES: ConversationWithMessages = {
  ...DETAIL,
  messages: [
    { id: QUESTION_ID, parent: null, role: 'user', content: QUESTION, created_at: ASKED_AT },
    {
      id: ANSWER_ID,
      parent: QUESTION_ID,
      role: 'assistant',
      content: ANSWER,
      created_at: ANSWERED_AT,
    },
  ],
};

export const TURN: ShownTurn = {
  id: TURN_ID,
  object: 'turn',
  conversation_id: CONVERSATION_ID,
  status: 'completed',
  parent: null,
  input_node: QUESTION_ID,
  output_node: ANSWER_ID,
  upstream: 'spark',
  upstream_model: 'nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4',
  finish_reason: 'stop',
  error_code: null,
  usage: {
    prompt_tokens: 21,
    completion_tokens: 9,
    cached_tokens: 0,
    expected_cached_tokens: null,
    prefix_break: null,
  },
  ttft_ms: 412,
  duration_ms: 2000,
  created_at: ASKED_AT,
  started_at: ASKED_AT,
  ended_at: ANSWERED_AT,
};

export const TURN_WITH_TEXT: TurnWithText = { ...TURN, text: ANSWER };

export const CANCELLED: ShownTurn = { ...TURN, status: 'cancelled', finish_reason: null };
