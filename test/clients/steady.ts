// An upstream that knows OpenAI's specification and refuses what it does not allow: whatever the gateway sends for a
// correct request has to be correct. The specification is made of the official SDK's own types.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chat } from '../harness/c1.ts';
import { startGateway } from '../harness/gateway.ts';
import { openAiSchema } from '../harness/openai-types.ts';
import { ask } from '../harness/v1.ts';
import { folderOf, NODE } from './install.ts';
import { startServer } from './server.ts';
import type { Result, Trial } from './trial.ts';

const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };

/** Correct requests, with what of OpenAI's API the gateway acts on and what it only carries. */
const REQUESTS: Readonly<Record<string, object>> = {
  plain: {},
  'with usage': { stream_options: { include_usage: true } },
  'with limits': { max_tokens: 5, max_completion_tokens: 5, temperature: 0.5, top_p: 1, n: 1 },
  'with tools': { tools: [TOOL], tool_choice: 'auto', parallel_tool_calls: false },
  'with a chosen tool': {
    tools: [TOOL],
    tool_choice: { type: 'function', function: { name: 'f' } },
  },
  'with a schema': {
    response_format: {
      type: 'json_schema',
      json_schema: { name: 's', strict: true, schema: { type: 'object' } },
    },
  },
  'with members that it knows not': { top_k: 5, chat_template_kwargs: { enable_thinking: false } },
};

export const steady: Trial = {
  name: 'steady',
  packages: { npm: ['@stdy/cli@0.22.1'], scripts: true },
  async run() {
    const scratch = mkdtempSync(join(tmpdir(), 'steady-'));
    const spec = join(scratch, 'openapi.json');
    writeFileSync(spec, JSON.stringify(specification()));
    const bin = join(folderOf('steady'), 'node_modules', '@stdy', 'cli', 'steady.js');
    const server = await startServer((port) => [
      NODE,
      bin,
      '--reject-on-sdk-error',
      '--host=127.0.0.1',
      `--port=${port}`,
      spec,
    ]);
    const { requests, faults } = await tryAll(server.url);
    await server.stop();
    rmSync(scratch, { recursive: true });
    return { did: 'held what the gateway sends to OpenAI’s types', requests, faults };
  },
};

async function tryAll(url: string): Promise<Pick<Result, 'requests' | 'faults'>> {
  const gateway = await startGateway(`
catalogue: replace
upstreams: { steady: { kind: openai, base_url: "${url}/v1" } }
models: { test-model: { targets: [{ upstream: steady, model: gpt-5 }] } }
`);
  const faults: string[] = [];
  let requests = 0;
  const expect = async (what: string, response: Response, status = 200) => {
    requests++;
    const body = await response.text();
    if (response.status !== status || (status === 200 && body.includes('"error":'))) {
      faults.push(`${what}: ${response.status} ${body}`);
    }
  };
  for (const stream of [false, true]) {
    for (const [name, more] of Object.entries(REQUESTS)) {
      await expect(`/v1, ${name}`, await ask(gateway, { ...more, stream }));
      await expect(`/c1, ${name}`, await chat(gateway, { message: 'hi', ...more, stream }));
    }
    const first = await chat(gateway, { message: 'hi', system: 'Be kind.', stream });
    const conversation_id = first.headers.get('x-conversation-id');
    await expect('/c1, a first turn', first);
    const second = await chat(gateway, { message: 'and now?', conversation_id, stream });
    await expect('/c1, a second turn', second);
    // That it refuses at all.
    await expect('a wrong request', await ask(gateway, { temperature: 'hot', stream }), 400);
  }
  await gateway.close();
  return { requests, faults };
}

/** An OpenAPI document of the one endpoint, with the types of the SDK as its schemas. */
function specification(): object {
  const text = JSON.stringify(openAiSchema().definitions);
  const schemas = JSON.parse(text.replaceAll('#/definitions/', '#/components/schemas/')) as object;
  const schema = (type: string) => ({ $ref: `#/components/schemas/${type}` });
  const body = {
    oneOf: [
      schema('ChatCompletionCreateParamsNonStreaming'),
      schema('ChatCompletionCreateParamsStreaming'),
    ],
  };
  const post = {
    operationId: 'createChatCompletion',
    requestBody: { required: true, content: { 'application/json': { schema: body } } },
    responses: {
      200: {
        description: 'The reply',
        content: { 'application/json': { schema: schema('ChatCompletion') } },
      },
    },
  };
  return {
    openapi: '3.1.0',
    info: { title: 'Chat completions', version: '1' },
    paths: { '/v1/chat/completions': { post } },
    components: { schemas },
  };
}
