// Runs one client in front of a gateway, with an environment and a home of its own.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Client, Command, Place } from './client.ts';
import { compareWithGolden } from './golden.ts';
import { folderOf, NODE } from './install.ts';
import type { RecordedRequest } from './recorder.ts';
import type { Result } from './trial.ts';
import { startWorld } from './world.ts';

/** Far longer than any of them needs: only what hangs is cut off. */
const COMMAND_TIMEOUT_MS = 180_000;

export async function runClient(client: Client): Promise<Result> {
  const home = mkdtempSync(join(tmpdir(), 'client-'));
  const work = join(home, 'work');
  const files = { input: join(work, 'input.txt'), output: join(work, 'output.txt') };
  const secret = `secret-${crypto.randomUUID().slice(-12)}`;
  mkdirSync(work);
  writeFileSync(files.input, `The secret is ${secret}.\n`);
  const world = await startWorld(client.model?.(files));
  const folder = folderOf(client.name);
  const { url, token } = world;
  const place = { baseUrl: `${url}/v1`, token, home, work, folder, ...files };
  prepare(client, place);

  const faults: string[] = [];
  let stdout = '';
  for (const command of client.commands(place)) {
    const ended = await runCommand(command, place);
    stdout = ended.stdout;
    if (ended.code !== 0) faults.push(`it ended with ${ended.code}: ${ended.said}`);
  }
  const requests = world.requests();
  const written = existsSync(files.output) ? readFileSync(files.output, 'utf8') : null;
  const verdict = client.judge({ stdout, secret, written, asked: askedFor(requests) });
  faults.push(...verdict.faults);
  if (faults.length > 0) faults.push(`it said: ${stdout.slice(-2_000)}`);
  const difference = compareWithGolden(client.name, requests);
  if (difference !== '') faults.push(`it asks otherwise than before: ${difference}`);
  await world.close();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  return { did: verdict.did, requests: requests.length, faults };
}

/** The programs lie beside the packages that they import. */
function prepare(client: Client, place: Place): void {
  mkdirSync(place.folder, { recursive: true });
  cpSync(join(import.meta.dirname, 'programs'), place.folder, { recursive: true });
  for (const [path, text] of Object.entries(client.files?.(place) ?? {})) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

async function runCommand({ argv, env }: Command, { home, work }: Place) {
  const child = Bun.spawn([...argv], {
    cwd: work,
    // Nothing of this machine's: no keys, no proxies, no settings.
    env: {
      PATH: `${dirname(NODE)}:/usr/bin:/bin`,
      HOME: home,
      LANG: 'C.UTF-8',
      TERM: 'dumb',
      ...env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  clearTimeout(timer);
  return { code, stdout, said: (stderr || stdout).slice(-2_000) };
}

function askedFor(requests: readonly RecordedRequest[]): Record<string, number> {
  const asked: Record<string, number> = {};
  for (const { body } of requests.filter((request) => request.body !== '')) {
    const { model } = JSON.parse(body) as { model: string };
    asked[model] = (asked[model] ?? 0) + 1;
  }
  return asked;
}
