// What a client is put in front of: a recorder, the gateway behind it, and behind that the demo engine and a scripted
// upstream that fails, replays real engines' bytes, or plays a model that works with an agent's tools.
import { fixture } from '../harness/replay.ts';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  replySse,
  replyWith,
  sse,
  startFakeUpstream,
  streamOf,
  type UpstreamCall,
  type UpstreamScript,
} from '../harness/fake-upstream.ts';
import { startDemoEngine } from '../../src/demo/engine.ts';
import { startGateway, TOKEN } from '../harness/gateway.ts';
import { startRecorder, type RecordedRequest } from './recorder.ts';

export interface World {
  /** Without /v1. */
  readonly url: string;
  readonly token: string;
  /** What the client sent to the gateway. */
  requests(): RecordedRequest[];
  /** What the gateway logged, for whoever looks into a failure. */
  logText(): string;
  close(): Promise<void>;
}

/** How the scripted upstream answers each alias. */
const SCRIPTS: Readonly<Record<string, UpstreamScript>> = {
  ok: (call) => (isStream(call) ? replySse(call, streamOf(['It ', 'works.'])) : whole(call)),
  busy: (call) =>
    replyJson(call, error('Slow down.'), { status: 429, headers: { 'retry-after': '1' } }),
  refused: (call) => replyJson(call, error('No such thing.'), { status: 422 }),
  broken: async (call) => {
    await beginSse(call);
    await call.send(sse(chunk({ role: 'assistant', content: 'Half an ' })));
    call.end();
  },
  slow: async (call) => {
    await beginSse(call);
    for (let word = 0; word < 5; word++) {
      await call.send(sse(chunk({ content: 'word ' })));
      await Bun.sleep(200);
    }
    await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
    call.end();
  },
  'gemini-tools': (call) => replyWith(call, fixture('gemini-tool-calls')),
  'vllm-tools': (call) => replyWith(call, fixture('vllm-tool-calls')),
  'vllm-text': (call) => replyWith(call, fixture('vllm-stream')),
  'llama-text': (call) => replyWith(call, fixture('llama-cpp-stream')),
  'openrouter-text': (call) => replyWith(call, fixture('openrouter-stream')),
};

export async function startWorld(agent?: UpstreamScript): Promise<World> {
  const engine = startDemoEngine({ tokenDelayMs: 0 });
  const scripts: typeof SCRIPTS = { ...SCRIPTS, ...(agent ? { agent } : {}) };
  const upstream = await startFakeUpstream((call) => {
    const { model } = JSON.parse(call.body) as { model: string };
    return scripts[model]?.(call);
  });
  // An upstream for each alias: what one does wrong must not count against another.
  const names = Object.keys(scripts);
  const gateway = await startGateway(`
catalogue: replace
upstreams:
  demo: { kind: openai, base_url: ${engine.url} }
${names.map((name) => `  ${name}: { kind: openai, base_url: ${upstream.url} }`).join('\n')}
models:
  demo:
    modalities: { input: [text, image] }
    capabilities: { tools: true, vision: true }
    targets: [{ upstream: demo, model: demo }]
${names.map((name) => `  ${name}: { targets: [{ upstream: ${name}, model: ${name} }] }`).join('\n')}
`);
  const recorder = await startRecorder(gateway.url);
  return {
    url: recorder.url,
    token: TOKEN,
    requests: recorder.requests,
    logText: gateway.logText,
    async close() {
      await recorder.close();
      await gateway.close();
      await upstream.close();
      await engine.close();
    },
  };
}

function isStream(call: UpstreamCall): boolean {
  return (JSON.parse(call.body) as { stream?: boolean }).stream === true;
}

function whole(call: UpstreamCall): Promise<void> {
  return replyJson(call, completion('It works.'));
}

function error(message: string): object {
  return { error: { message, type: 'error', param: null, code: null } };
}
