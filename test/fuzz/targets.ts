// What is fuzzed: gateways with an upstream that answers, each set up for one kind of fuzzing.
import { rmSync } from 'node:fs';
import {
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from '../harness/fake-upstream.ts';
import { spawnGateway, type GatewayProcess } from '../harness/gateway.ts';
import { createReplyChecker, operationsOf, type ApiDocument } from '../harness/openapi.ts';
import { newConversation } from '../harness/openapi-samples.ts';
import type { RequestsTarget } from './requests.ts';

export interface FuzzTarget {
  readonly upstream: FakeUpstream;
  readonly gateway: GatewayProcess;
  close(): Promise<void>;
}

/** Neither probes nor a busy machine have a say, and nothing is asked twice. */
const QUIET = `
routing: { retries: 0 }
health: { probe_interval_ms: 3600000 }
limits: { rate_per_second: 1000000, burst: 1000000, max_lag_ms: 60000, max_body_bytes: 300000 }
`;

export async function startTarget(config: (url: string) => string = simple): Promise<FuzzTarget> {
  const upstream = await startFakeUpstream((call) => {
    upstream.calls.length = 0;
    return /"stream":\s*true/.test(call.body)
      ? replySse(call, streamOf(['fine']))
      : replyJson(call, completion('fine'));
  });
  const gateway = await spawnGateway({ yaml: config(upstream.url) + QUIET });
  return {
    upstream,
    gateway,
    async close() {
      await gateway.kill();
      await upstream.close();
      rmSync(gateway.directory, { recursive: true, force: true });
    },
  };
}

function simple(url: string): string {
  return configFor({ url });
}

const KINDS = ['openai', 'anthropic', 'gemini', 'ollama'] as const;

/** Every kind in front of one upstream, each behind an alias of its name. */
export function everyKind(url: string): string {
  return `
catalogue: replace
upstreams:
${KINDS.map((kind) => `  ${kind}: { kind: ${kind}, base_url: "${url}", api_key: k }`).join('\n')}
models:
${KINDS.map((kind) => `  ${kind}: { targets: [{ upstream: ${kind}, model: m }] }`).join('\n')}
`;
}

/** What the document of this gateway tells of, with things that exist. */
export async function requestsTarget({
  gateway,
}: Pick<FuzzTarget, 'gateway'>): Promise<RequestsTarget> {
  const document = (await (await gateway.request('/openapi.json')).json()) as ApiDocument;
  let ids = await newConversation(gateway);
  return {
    operations: operationsOf(document),
    checker: createReplyChecker(document),
    gateway,
    known: new Map(Object.entries(KNOWN)),
    resolve(name) {
      if (name === CONVERSATION) return ids.conversation;
      return name === TURN ? ids.turn : name;
    },
    async renew() {
      ids = await newConversation(gateway);
    },
  };
}

const CONVERSATION = 'a conversation that there is';
const TURN = 'a turn that there is';

const KNOWN = {
  id: [CONVERSATION, CONVERSATION, TURN, 'test-model'],
  model: ['test-model'],
  conversation_id: [CONVERSATION],
  user_id: ['somebody'],
  limit: ['1', '20'],
  offset: ['0', '3'],
  after: ['-1', '0'],
  tree: ['0', '1'],
  q: ['fine'],
};
