// The agents: each copies a secret from file to file, with settings as docs/clients.md tells them to people.
import { replySse, streamOf } from '../harness/fake-upstream.ts';
import { finalText, SECRET } from './agent-model.ts';
import { agent, TASK, type Client } from './client.ts';

const binOf = (folder: string, name: string) => `${folder}/node_modules/.bin/${name}`;

const opencode = agent({
  name: 'opencode',
  packages: { npm: ['opencode-ai@1.18.33'], scripts: true },
  tools: ({ input, output }) => ({
    read: { name: 'read', arguments: { filePath: input } },
    write: (content) => ({ name: 'write', arguments: { filePath: output, content } }),
  }),
  files: ({ home, baseUrl }) => ({
    [`${home}/.config/opencode/opencode.json`]: JSON.stringify({
      $schema: 'https://opencode.ai/config.json',
      model: 'gateway/agent',
      provider: {
        gateway: {
          npm: '@ai-sdk/openai-compatible',
          name: 'Gateway',
          options: { baseURL: baseUrl, apiKey: '{env:BEARER}' },
          models: { agent: { name: 'agent' } },
        },
      },
    }),
  }),
  commands: ({ folder, token }) => [
    {
      argv: [binOf(folder, 'opencode'), 'run', TASK],
      env: {
        BEARER: token,
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_AUTOUPDATE: '1',
      },
    },
  ],
});

const qwen = agent({
  name: 'qwen-code',
  packages: { npm: ['@qwen-code/qwen-code@0.24.4'] },
  tools: ({ input, output }) => ({
    read: { name: 'read_file', arguments: { file_path: input } },
    write: (content) => ({ name: 'write_file', arguments: { file_path: output, content } }),
  }),
  commands: ({ folder, baseUrl, token }) => [
    {
      argv: [binOf(folder, 'qwen'), '--auth-type', 'openai', '--yolo', '-p', TASK],
      env: { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: token, OPENAI_MODEL: 'agent' },
    },
  ],
});

const cline = agent({
  name: 'cline',
  packages: { npm: ['cline@3.0.65'], scripts: true },
  tools: ({ input, output }) => ({
    read: { name: 'read_files', arguments: { files: [{ path: input }] } },
    write: (text) => ({ name: 'editor', arguments: { path: output, new_text: text } }),
  }),
  commands({ folder, baseUrl, token }) {
    const bin = binOf(folder, 'cline');
    const which = ['-p', 'openai-compatible', '-m', 'agent'];
    return [
      { argv: [bin, 'auth', ...which, '-k', token, '-b', baseUrl] },
      { argv: [bin, '-P', 'openai-compatible', '-m', 'agent', '--json', TASK] },
    ];
  },
});

const continueCli = agent({
  name: 'continue',
  packages: { npm: ['@continuedev/cli@1.5.47'] },
  tools: ({ input, output }) => ({
    read: { name: 'Read', arguments: { filepath: input } },
    write: (content) => ({ name: 'Write', arguments: { filepath: output, content } }),
  }),
  files: ({ home, baseUrl, token }) => ({
    [`${home}/config.yaml`]: `name: gateway
version: 1.0.0
schema: v1
models:
  - name: agent
    provider: openai
    model: agent
    apiBase: ${baseUrl}
    apiKey: ${token}
    roles: [chat]
`,
  }),
  commands: ({ folder, home }) => [
    {
      argv: [binOf(folder, 'cn'), '-p', '--auto', '--config', `${home}/config.yaml`, TASK],
      env: { CONTINUE_TELEMETRY_ENABLED: '0' },
    },
  ],
});

/** It does without tools: files come in the prompt, and go back in fences in the answer. */
const aider: Client = {
  name: 'aider',
  packages: { pip: ['aider-chat==0.86.2'] },
  model: () => (call) => {
    const secret = SECRET.exec(call.body)?.[0] ?? 'none';
    const answer = `${finalText(secret)}\n\noutput.txt\n\`\`\`\n${secret}\n\`\`\`\n`;
    return replySse(call, streamOf(answer.split(/(?<= )/)));
  },
  commands: ({ folder, baseUrl, token }) => [
    {
      argv: [
        `${folder}/venv/bin/aider`,
        '--model=openai/agent',
        '--edit-format=whole',
        '--no-git',
        '--yes-always',
        '--no-show-model-warnings',
        '--no-check-update',
        '--analytics-disable',
        '--read=input.txt',
        `--message=${TASK}`,
        'output.txt',
      ],
      env: { OPENAI_API_BASE: baseUrl, OPENAI_API_KEY: token },
    },
  ],
  judge: ({ stdout, secret, written }) => ({
    did: 'read a file, wrote a file, reported',
    faults: [
      ...(written?.trim() === secret ? [] : [`output.txt has ${JSON.stringify(written)}`]),
      ...(stdout.includes(`says ${secret}`) ? [] : ['the answer is not in its output']),
    ],
  }),
};

export const AGENTS: readonly Client[] = [opencode, qwen, cline, continueCli, aider];
