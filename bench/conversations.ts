// What `/c1` costs to the first event, with a history of 200 turns and every question synced to disk before the
// upstream is asked, beside the same prompt through `/v1` and to the upstream itself.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuBetween } from './cpu.ts';
import { quantile } from './load.ts';
import type { Figures, Pace, Running } from './measures.ts';
import { readStream, type StreamLoad } from './sse-client.ts';

const HISTORY_TURNS = 200;
const QUESTION = 'What else is there to know about it? '.repeat(5);
const SHORT = '"user":"bench_stream=2,1"';

/** A conversation of its own, and what a client of `/v1` would send of it. */
export interface History {
  readonly conversationId: string;
  readonly v1Body: string;
}

export async function longConversation({ process, headers }: Running): Promise<History> {
  let id: string | undefined;
  for (let turn = 0; turn < HISTORY_TURNS; turn++) {
    const response = await fetch(`${process.url}/c1/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({
        model: 'bench',
        message: QUESTION,
        ...(id ? { conversation_id: id } : {}),
      }),
    });
    id = ((await response.json()) as { conversation_id: string }).conversation_id;
  }
  const past = Array.from({ length: HISTORY_TURNS }, () => [
    { role: 'user', content: QUESTION },
    { role: 'assistant', content: 'Rome.' },
  ]).flat();
  const messages = JSON.stringify([...past, { role: 'user', content: QUESTION }]);
  return {
    conversationId: id ?? '',
    v1Body: `{"model":"bench","stream":true,"messages":${messages},${SHORT}}`,
  };
}

/** In turns: the upstream, `/v1`, `/c1`; and one sync of the disk, which `/c1` has to wait for. */
export async function firstEventsOfTurns(
  running: Running,
  upstreamUrl: string,
  { history, pace }: { history: History; pace: Pace },
): Promise<Figures> {
  const { process, headers } = running;
  const v1 = { path: '/v1/chat/completions', headers, body: history.v1Body };
  const c1 = {
    url: process.url,
    path: '/c1/chat',
    headers,
    body: `{"model":"bench","stream":true,"conversation_id":"${history.conversationId}","message":${JSON.stringify(QUESTION)},${SHORT}}`,
  };
  const times = {
    direct: [] as number[],
    v1: [] as number[],
    c1: [] as number[],
    sync: [] as number[],
  };
  const sync = createSync();
  const asked = async (load: StreamLoad) => (await readStream(load)).firstMs;
  let cpu = 0;
  for (let nth = 0; nth < pace.streams / 4; nth++) {
    times.direct.push(await asked({ ...v1, url: upstreamUrl }));
    times.v1.push(await asked({ ...v1, url: process.url }));
    const before = process.cpu();
    times.c1.push(await asked(c1));
    cpu += cpuBetween(before, process.cpu());
    times.sync.push(sync.once());
  }
  sync.close();
  const p50 = (name: keyof typeof times) => quantile(times[name], 0.5);
  return {
    'one sync of the disk, p50 ms': p50('sync'),
    '/v1 added p50 ms': p50('v1') - p50('direct'),
    '/c1 added p50 ms': p50('c1') - p50('direct'),
    '/c1 added, without one sync, p50 ms': p50('c1') - p50('direct') - p50('sync'),
    '/c1 CPU µs a turn': cpu / times.c1.length,
  };
}

/** What one sync costs, of a page appended to a file beside those of the gateways. */
function createSync(): { once(): number; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-sync-'));
  const file = openSync(join(folder, 'file'), 'w');
  return {
    once() {
      writeSync(file, 'x'.repeat(4096));
      const from = performance.now();
      fdatasyncSync(file);
      return performance.now() - from;
    },
    close() {
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}
