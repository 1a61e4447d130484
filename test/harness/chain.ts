// A gateway with several scripted upstreams behind one alias, `chain`, in order, and what they are usually told to do.
import { said } from './c1.ts';
import {
  completion,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
  type UpstreamScript,
} from './fake-upstream.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { USER } from './v1.ts';

export interface Chain {
  readonly gateway: TestGateway;
  /** Named `one`, `two`, … in the configuration, and `model-1`, `model-2`, … */
  readonly upstreams: readonly FakeUpstream[];
  /** How often each was asked so far. */
  counts(): number[];
  close(): Promise<void>;
}

export interface ChainOptions {
  readonly targets?: number;
  /** Inside of a YAML flow mapping for every upstream. */
  readonly upstream?: string;
  /** Inside of a YAML flow mapping for every target. */
  readonly target?: string;
  /** Inside of a YAML flow mapping for the model. */
  readonly model?: string;
  /** Further sections of the configuration. */
  readonly rest?: string;
}

const NAMES = ['one', 'two', 'three', 'four'];

export async function startChain(options: ChainOptions = {}): Promise<Chain> {
  const { targets = 2, rest = '' } = options;
  const names = NAMES.slice(0, targets);
  const upstreams = await Promise.all(names.map(() => startFakeUpstream()));
  const inside = (text: string | undefined) => (text === undefined ? '' : `, ${text}`);
  const gateway = await startGateway(`
catalogue: replace
upstreams:
${names.map((name, at) => `  ${name}: { kind: openai, base_url: "${upstreams[at]?.url}"${inside(options.upstream)} }`).join('\n')}
models:
  chain: { targets: [${names.map((name, at) => `{ upstream: ${name}, model: model-${at + 1}${inside(options.target)} }`).join(', ')}]${inside(options.model)} }
${rest}`);
  return {
    gateway,
    upstreams,
    counts: () => upstreams.map(({ calls }) => calls.length),
    async close() {
      await gateway.close();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}

/** Chains with a script for each target, which all close together. */
export function createChains() {
  const open: Chain[] = [];
  return {
    async chainOf(scripts: readonly UpstreamScript[], options: ChainOptions = {}): Promise<Chain> {
      const chain = await startChain({ targets: scripts.length, ...options });
      open.push(chain);
      scripts.forEach((script, at) => {
        const upstream = chain.upstreams[at];
        if (upstream) upstream.script = script;
      });
      return chain;
    },
    async closeAll() {
      for (const chain of open.splice(0)) await chain.close();
    },
  };
}

/** A request to /v1. */
export function ask({ gateway }: Chain, more: object = {}): Promise<Response> {
  return gateway.request('/v1/chat/completions', {
    body: { model: 'chain', messages: [USER], ...more },
  });
}

/** One turn of /c1: what was said, and in which conversation. */
export async function turn({ gateway }: Chain, body: object) {
  const { conversation_id, choices } = await said(gateway, { model: 'chain', ...body });
  return { conversation_id, content: choices[0]?.message.content };
}

/** Answers in the form that was asked for. */
export function answers(word: string): UpstreamScript {
  return (call) =>
    asksForStream(call) ? replySse(call, streamOf([word])) : replyJson(call, completion(word));
}

export function refuses(status: number, headers: Record<string, string> = {}): UpstreamScript {
  return (call) => replyJson(call, { error: { message: `status ${status}` } }, { status, headers });
}

function asksForStream({ body }: UpstreamCall): boolean {
  return body.includes('"stream":true');
}
