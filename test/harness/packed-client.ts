// The client as a program gets it: built, in the node_modules of a project of its own.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../../', import.meta.url).pathname;

/** Makes a project that has the client installed, as `prepack` builds it; removing it is the caller's business. */
export async function projectWithClient(): Promise<string> {
  const project = mkdtempSync(join(tmpdir(), 'client-project-'));
  const installed = join(project, 'node_modules/dgx-chat-gateway');
  mkdirSync(installed, { recursive: true });
  const outfile = join(installed, 'client/dist/index.js');
  const build = 'build client/index.ts --format esm --target browser --outfile'.split(' ');
  await succeed([process.execPath, ...build, outfile]);
  const exports = { './client': { default: './client/dist/index.js' } };
  const manifest = { name: 'dgx-chat-gateway', type: 'module', exports };
  writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  return project;
}

async function succeed(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { cwd: ROOT, stdout: 'ignore', stderr: 'pipe' });
  const [code, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (code !== 0) throw new Error(`${command.join(' ')} failed:\n${said}`);
}
