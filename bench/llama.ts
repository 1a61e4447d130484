// The engine of bench/prefix.ts: a fresh llama.cpp server with one slot, so that its cache holds one conversation and
// nothing else.
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = new URL('..', import.meta.url).pathname;
/** Where `npm run test:engine` builds it. */
const BUILT_SERVER = join(ROOT, '.cache/llama/src/build/bin/llama-server');

export interface Engine {
  readonly url: string;
  readonly model: string;
  /** Parameters that make a random model answer in words that become the same tokens again when they are read. */
  readonly parameters: Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

export async function startEngine(): Promise<Engine> {
  const binary = process.env['LLAMA_SERVER'] ?? BUILT_SERVER;
  if (!existsSync(binary)) {
    throw new Error('Set LLAMA_SERVER to a llama-server, or let `npm run test:engine` build one.');
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { model, template } = writeModel();
  const child = Bun.spawn(
    [binary, '-m', model, '--chat-template-file', template, '-a', 'tiny', '--jinja']
      .concat(['--host', '127.0.0.1', '--port', String(port)])
      // One slot, and no store of prompts beside it: what is not in the slot is computed.
      .concat(['-np', '1', '--cache-ram', '0']),
    {
      env: { ...process.env, LD_LIBRARY_PATH: dirname(binary) },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    },
  );
  const stop = async () => {
    child.kill();
    await child.exited;
  };
  while (!(await isHealthy(url))) {
    if (child.exitCode !== null) throw new Error(`llama-server ended with ${child.exitCode}`);
    await Bun.sleep(50);
  }
  return { url, model: 'tiny', parameters: READABLE, stop };
}

/** Tokens 297 to 322 of the tiny model are A to Z, for which it has no longer pieces. */
const READABLE = {
  logit_bias: Array.from({ length: 384 }, (_, token) => token)
    .filter((token) => token < 297 || token > 322)
    .map((token) => [token, false]),
};

/** ChatML with tools, in the form that Qwen and Hermes models use: the tiny model's own knows none. */
const TEMPLATE = [
  '{% for m in messages %}<|im_start|>{{ "user" if m.role == "tool" else m.role }}\n',
  '{% if m.role == "tool" %}<tool_response>\n{{ m.content }}\n</tool_response>',
  '{% elif m.content %}{{ m.content }}{% endif %}',
  '{% if loop.first and tools %}\n\n# Tools\n<tools>\n',
  '{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}</tools>\n',
  'Call one within <tool_call></tool_call>:\n',
  '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>{% endif %}',
  '{% for call in m.tool_calls or [] %}<tool_call>\n{"name": "{{ call.function.name }}", ',
  '"arguments": {{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %}',
  '<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
].join('');

function writeModel(): { model: string; template: string } {
  const directory = mkdtempSync(join(tmpdir(), 'bench-llama-'));
  const template = join(directory, 'template.jinja');
  writeFileSync(template, TEMPLATE);
  const model = process.env['LLAMA_MODEL'] ?? join(directory, 'tiny.gguf');
  if (process.env['LLAMA_MODEL'] === undefined) {
    const writer = join(ROOT, 'test/engine/tiny-gguf.mjs');
    const script = `(await import(${JSON.stringify(writer)})).writeTinyModel(${JSON.stringify(model)})`;
    const { success, stderr } = Bun.spawnSync([process.execPath, '-e', script]);
    if (!success) throw new Error(`the model was not written: ${stderr.toString()}`);
  }
  return { model, template };
}

async function isHealthy(url: string): Promise<boolean> {
  return await fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
