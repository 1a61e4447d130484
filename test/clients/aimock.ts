// Providers as somebody else understood them: aimock speaks the wires of OpenAI, OpenRouter, Anthropic, Gemini and
// Ollama. The gateway asks it as an upstream of each kind, and what comes out is OpenAI's form every time.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UpstreamKind } from '../../src/config/schema.ts';
import { createProvider } from '../../src/providers/by-kind.ts';
import { startGateway } from '../harness/gateway.ts';
import { TARGET } from '../harness/replay.ts';
import { folderOf, NODE } from './install.ts';
import { startRecorder } from './recorder.ts';
import { startServer } from './server.ts';
import type { Result, Trial } from './trial.ts';
import {
  checkUpstream,
  PICTURE_BASE64,
  WEATHER_CALL,
  type KnownFaults,
} from './upstream-checks.ts';

/** A form of aimock's, and the upstream that the gateway makes of it. */
interface Form {
  readonly kind: UpstreamKind;
  /** After aimock's address. */
  readonly path: string;
  /** Whether it speaks a wire of its own, which `src/providers/by-kind.ts` has to know. */
  readonly own: boolean;
  readonly known?: KnownFaults;
}

const FORMS: readonly Form[] = [
  { kind: 'openai', path: '/v1', own: false },
  {
    kind: 'openrouter',
    path: '/api/v1',
    own: false,
    // Which is null here, as OpenRouter has it. Its bytes are passed on.
    known: { types: ['system_fingerprint must be string'] },
  },
  { kind: 'anthropic', path: '/v1', own: true },
  { kind: 'gemini', path: '/v1beta', own: true },
  // Aimock counts no tokens here, and knows no `thinking`.
  { kind: 'ollama', path: '', own: true, known: { lacks: ['usage', 'reasoning'] } },
];

const FIXTURES = {
  fixtures: [
    {
      match: { userMessage: 'hello' },
      response: {
        content: 'Hello! Grüße 😀 to you.',
        usage: { prompt_tokens: 7, completion_tokens: 5 },
      },
    },
    {
      match: { userMessage: 'think' },
      response: { content: 'It is 42.', reasoning: 'Six times seven.' },
    },
    {
      match: { userMessage: 'weather', hasToolResult: true },
      response: { content: 'It is 23 degrees in Paris.' },
    },
    { match: { userMessage: 'weather' }, response: { toolCalls: [WEATHER_CALL] } },
    { match: { userMessage: 'picture' }, response: { content: 'A red pixel.' } },
    {
      match: { userMessage: 'busy' },
      response: { error: { message: 'Too many.', type: 'rate_limit_error' }, status: 429 },
    },
    {
      match: { userMessage: 'wrong' },
      response: {
        error: { message: 'That is wrong.', type: 'invalid_request_error' },
        status: 400,
      },
    },
  ],
};

export const aimock: Trial = {
  name: 'aimock',
  packages: { npm: ['@copilotkit/aimock@1.43.0'] },
  async run() {
    const scratch = mkdtempSync(join(tmpdir(), 'aimock-'));
    writeFileSync(join(scratch, 'fixtures.json'), JSON.stringify(FIXTURES));
    const bin = `${folderOf('aimock')}/node_modules/.bin/llmock`;
    const server = await startServer((port) => [
      NODE,
      bin,
      '--strict',
      '--host=127.0.0.1',
      `--port=${port}`,
      `--fixtures=${join(scratch, 'fixtures.json')}`,
    ]);
    const results: Result[] = [];
    for (const form of FORMS) results.push(await tryForm(form, server.url));
    await server.stop();
    rmSync(scratch, { recursive: true });
    const tried = FORMS.filter((_, at) => results[at]?.skipped === undefined);
    return {
      did: `spoke as ${tried.map(({ kind }) => kind).join(', ')}`,
      requests: results.reduce((sum, { requests }) => sum + requests, 0),
      faults: results.flatMap(({ faults }) => faults),
      skipped: results.flatMap(({ skipped = [] }) => skipped),
    };
  },
};

async function tryForm({ kind, path, own, known = {} }: Form, url: string): Promise<Result> {
  if (own && (await asksAsOpenAi(kind, url + path))) {
    const reason = `${kind}: src/providers/by-kind.ts knows no dialect for it yet`;
    return { did: '', requests: 0, faults: [], skipped: [reason] };
  }
  const recorder = await startRecorder(url);
  const start = () =>
    startGateway(`
catalogue: replace
upstreams: { aimock: { kind: ${kind}, base_url: "${recorder.url}${path}", api_key: aimock-key } }
models:
  test-model:
    modalities: { input: [text, image] }
    capabilities: { tools: true, vision: true }
    targets: [{ upstream: aimock, model: mock-model }]
`);
  const faults = await checkUpstream(start, known);
  const posted = recorder.requests().filter(({ method }) => method === 'POST');
  await recorder.close();
  // What is in a request must reach the provider, whatever the wire: an image is the easiest to lose on the way.
  if (!posted.some(({ body }) => body.includes(PICTURE_BASE64))) {
    faults.push('the image did not reach it');
  }
  return { did: '', requests: posted.length, faults: faults.map((fault) => `${kind}: ${fault}`) };
}

/** Whether a kind is asked by OpenAI's path, and so has no dialect of its own. */
async function asksAsOpenAi(kind: string, baseUrl: string): Promise<boolean> {
  let asked = '';
  const provider = createProvider({
    post(_, { path }) {
      asked = path;
      return Promise.reject(new Error('only the path was wanted'));
    },
  });
  const call = {
    body: '{"model":"m","messages":[{"role":"user","content":"hi"}]}',
    stream: false,
    requestId: 'req_path',
  };
  await provider
    .ask({ ...TARGET, kind, baseUrl }, call, new AbortController().signal)
    .catch(() => undefined);
  return asked === '/chat/completions';
}
