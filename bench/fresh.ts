// What a contender costs that was just started: how long until it answers, its memory while idle, and what streams add.
import type { Contender } from './contenders.ts';
import type { Figures } from './measures.ts';
import { readStreams } from './sse-client.ts';

const STREAMS = { count: 1_000, chunks: 40 };
const PACE_MS = 100;
/** How long after its first answers a process is taken to be idle. */
const SETTLED_MS = 2_000;
const SAMPLE_MS = 50;

export async function freshFigures(contender: Contender, upstreamUrl: string): Promise<Figures> {
  const headers = contender.headers(upstreamUrl);
  const spawnedAt = performance.now();
  const process = await contender.start(upstreamUrl);
  try {
    const health = await fetch(`${process.url}/healthz`);
    await health.bytes();
    const healthyMs = performance.now() - spawnedAt;
    const chat = await fetch(`${process.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"model":"bench","messages":[{"role":"user","content":"hi"}]}',
    });
    await chat.bytes();
    if (!chat.ok) throw new Error(`${contender.name} answered ${chat.status}`);
    const chatMs = performance.now() - spawnedAt;
    await Bun.sleep(SETTLED_MS);
    const idle = process.residentBytes();
    const started: Figures = {
      'start to /healthz, ms': healthyMs,
      'start to first chat, ms': chatMs,
      'idle MB': idle / 1e6,
    };
    if (!contender.canStream) return started;
    let peak = idle;
    const sampling = setInterval(() => {
      peak = Math.max(peak, process.residentBytes());
    }, SAMPLE_MS);
    const body = `{"model":"bench","stream":true,"messages":[{"role":"user","content":"hi"}],"user":"bench_stream=${STREAMS.chunks},${PACE_MS}"}`;
    await readStreams({ url: process.url, path: '/v1/chat/completions', headers, body }, STREAMS);
    clearInterval(sampling);
    return {
      ...started,
      'peak MB with 1,000 streams': peak / 1e6,
      'KB an open stream': (peak - idle) / STREAMS.count / 1e3,
    };
  } finally {
    await process.stop();
  }
}
