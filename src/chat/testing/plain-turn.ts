// A turn of the plainest kind, for tests: one text, for an alias with one target.
import type { Alias } from '../../routing/catalog.ts';
import type { TurnRequest } from '../turn-request.ts';

/** As much of an alias as a turn looks at. */
export const PLAIN_ALIAS = {
  name: 'alias',
  contextWindow: null,
  targets: [{ upstream: 'up', model: 'm' }],
} as unknown as Alias;

export const PLAIN_TURN: TurnRequest = {
  scope: { owner: 'o', userId: null },
  conversationId: null,
  profile: { model: 'alias', system: null, tools: null, toolChoice: null, responseFormat: null },
  provider: null,
  message: 'hi',
  images: [],
  toolResults: [],
  expectedHead: undefined,
  parent: undefined,
  answerTokens: 100,
  idempotencyKey: null,
  parameters: {},
  showUsage: false,
  requestId: 'req_1',
  fingerprint: 'f',
};
