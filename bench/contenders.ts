// Who is measured: the gateway, the upstream asked directly, nginx as the limit of what a proxy can do, the least that
// Bun can do, and gateways that people might pick instead, where they are here or can be installed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  freePort,
  startCommand,
  startGateway,
  startScript,
  TOKEN,
  type BenchProcess,
} from './processes.ts';

export interface Contender {
  readonly name: string;
  /** What a request needs beside its content type. */
  headers(upstreamUrl: string): Readonly<Record<string, string>>;
  readonly canStream: boolean;
  /** Why it cannot be measured here; null where it can. */
  missing(): string | null;
  start(upstreamUrl: string): Promise<BenchProcess>;
}

const bearer = () => ({ authorization: `Bearer ${TOKEN}` });
const here = () => null;

export const gateway: Contender = {
  name: 'gateway',
  canStream: true,
  headers: bearer,
  missing: here,
  start: (upstreamUrl) => startGateway(upstreamUrl),
};

/** The gateway of another tree, such as the one before a change. */
export function gatewayOf(tree: string): Contender {
  return {
    name: 'other tree',
    canStream: true,
    headers: bearer,
    missing: () => (existsSync(join(tree, 'src/main.ts')) ? null : `no gateway is in ${tree}`),
    start: (upstreamUrl) => startGateway(upstreamUrl, { tree }),
  };
}

export const direct: Contender = {
  name: 'direct',
  canStream: true,
  headers: bearer,
  missing: here,
  start: () => startScript('upstream.ts', []),
};

export const nginx: Contender = {
  name: 'nginx',
  canStream: true,
  headers: bearer,
  missing: () =>
    Bun.which('nginx', { PATH: `${process.env['PATH']}:/usr/sbin` })
      ? null
      : 'nginx is not installed (Debian: apt-get install nginx-light)',
  async start(upstreamUrl) {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
    const config = join(folder, 'nginx.conf');
    writeFileSync(config, nginxConfig(folder, port, new URL(upstreamUrl).host));
    const binary = Bun.which('nginx', { PATH: `${process.env['PATH']}:/usr/sbin` }) ?? 'nginx';
    return await startCommand({
      command: [binary, '-p', folder, '-c', config],
      port,
      hasWorkers: true,
    });
  },
};

/** As people set it in front of an engine: kept connections, no buffering of replies, a log that is written in blocks. */
function nginxConfig(folder: string, port: number, upstream: string): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log crit;
events { worker_connections 8192; }
http {
  access_log ${folder}/access.log combined buffer=64k;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  client_max_body_size 64m;
  client_body_buffer_size 16m;
  keepalive_requests 100000000;
  upstream engine { server ${upstream}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = / { return 200; }
    location / {
      proxy_pass http://engine;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`;
}

export const bareBun: Contender = {
  name: 'bare Bun',
  canStream: true,
  headers: bearer,
  missing: here,
  start: (upstreamUrl) => startScript('bare-proxy.ts', [upstreamUrl]),
};

const PORTKEY = '@portkey-ai/gateway@1.15.2';
const PORTKEY_FOLDER = new URL('../.cache/bench/portkey/', import.meta.url).pathname;
const PORTKEY_SCRIPT = join(
  PORTKEY_FOLDER,
  'node_modules/@portkey-ai/gateway/build/start-server.js',
);

export const portkey: Contender = {
  name: 'Portkey',
  // 1.15.2 answers 500 to a streamed request on Node 20: it changes headers that are immutable there.
  canStream: false,
  headers: (upstreamUrl) => ({
    ...bearer(),
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstreamUrl}/v1`,
  }),
  missing() {
    if (existsSync(PORTKEY_SCRIPT)) return null;
    mkdirSync(PORTKEY_FOLDER, { recursive: true });
    writeFileSync(join(PORTKEY_FOLDER, 'package.json'), '{"private":true}\n');
    process.stderr.write(`installing ${PORTKEY} into .cache/\n`);
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', PORTKEY];
    const { status } = spawnSync('npm', args, { cwd: PORTKEY_FOLDER, stdio: ['ignore', 2, 2] });
    return status === 0 ? null : `${PORTKEY} could not be installed`;
  },
  async start() {
    const port = await freePort();
    return await startCommand({
      command: ['node', PORTKEY_SCRIPT, `--port=${port}`, '--headless'],
      port,
      env: { NODE_ENV: 'production' },
    });
  },
};

export const liteLlm: Contender = {
  name: 'LiteLLM',
  canStream: true,
  headers: bearer,
  missing: () =>
    Bun.which('litellm') ? null : 'LiteLLM is not installed (pip install "litellm[proxy]")',
  async start(upstreamUrl) {
    const port = await freePort();
    const config = join(mkdtempSync(join(tmpdir(), 'bench-litellm-')), 'config.yaml');
    writeFileSync(
      config,
      `model_list:
  - model_name: bench
    litellm_params: { model: openai/bench-model, api_base: "${upstreamUrl}/v1", api_key: none }
general_settings: { master_key: "${TOKEN}" }
`,
    );
    const command = ['litellm', '--config', config, '--port', String(port), '--host', '127.0.0.1'];
    return await startCommand({ command, port });
  },
};
