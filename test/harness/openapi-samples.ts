// One request of every operation of the document that succeeds, for tests that go over all of them.
import { readFileSync } from 'node:fs';
import type { SiteManifest } from '../../src/http/site/manifest.ts';
import { ARCHIVE } from '../../src/http/openapi/examples/conversation.ts';
import { said } from './c1.ts';
import type { TestGateway, TestRequest } from './gateway.ts';

export interface Sample extends TestRequest {
  readonly path: string;
}

export interface Ids {
  readonly conversation: string;
  readonly turn: string;
}

/** A page or a file of the built site below a path. */
function built(below: string): string {
  const list = new URL('../../web/dist/site.json', import.meta.url);
  const { files } = JSON.parse(readFileSync(list, 'utf8')) as SiteManifest;
  const found = Object.keys(files).find((path) => path.startsWith(below));
  if (found === undefined) throw new Error(`nothing is built below ${below}: npm run site`);
  return found;
}

export async function newConversation(gateway: Pick<TestGateway, 'request'>): Promise<Ids> {
  const { conversation_id, turn_id } = await said(gateway, { message: 'hi' });
  return { conversation: conversation_id, turn: turn_id };
}

/** By operationId. Those that change something want a conversation of their own. */
export function samples({ conversation, turn }: Ids): Readonly<Record<string, Sample>> {
  const ours = `/c1/conversations/${conversation}`;
  const archive = { body: ARCHIVE, headers: { 'content-type': 'application/jsonl' } };
  return {
    createChatCompletion: {
      path: '/v1/chat/completions',
      body: { model: 'test-model', messages: [{ role: 'user', content: 'hi' }] },
    },
    listModels: { path: '/v1/models' },
    getModel: { path: '/v1/models/test-model' },
    getInfo: { path: '/v1/info' },
    sendMessage: { path: '/c1/chat', body: { model: 'test-model', message: 'hi' } },
    listConversations: { path: '/c1/conversations' },
    getConversation: { path: ours },
    updateConversation: { path: ours, method: 'PATCH', body: { title: 'A title' } },
    deleteConversation: { path: ours, method: 'DELETE' },
    forkConversation: { path: `${ours}/fork`, body: {} },
    exportConversation: { path: `${ours}/export` },
    importConversation: { path: '/c1/import', ...archive },
    getTurn: { path: `/c1/turns/${turn}` },
    followTurn: { path: `/c1/turns/${turn}/events` },
    cancelTurn: { path: `/c1/turns/${turn}/cancel`, method: 'POST' },
    getHealth: { path: '/healthz' },
    getReadiness: { path: '/readyz' },
    listErrors: { path: '/errors' },
    getMetrics: { path: '/metrics' },
    getOpenApi: { path: '/openapi.json' },
    getHomePage: { path: '/' },
    getApiConsole: { path: '/openapi' },
    getApiReference: { path: '/redoc' },
    getManual: { path: '/docs' },
    getManualPage: { path: built('/docs/') },
    getPlayground: { path: '/playground' },
    getDashboard: { path: '/dashboard' },
    getDashboardData: { path: '/dashboard/data' },
    getAsset: { path: built('/assets/') },
  };
}
