// The benchmark's upstream: an OpenAI-compatible server as cheap as one can be. `"bench_stream":[chunks,pace]` in the
// body asks for a stream of that many chunks with so many milliseconds between them; the first one comes at once.
const completion = new TextEncoder().encode(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'bench-model',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Rome.' }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 },
  }),
);

const encoder = new TextEncoder();
const event = (choices: object[], more: object = {}) =>
  encoder.encode(
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench-model', choices, ...more })}\n\n`,
  );
const delta = event([{ index: 0, delta: { content: ' token' }, finish_reason: null }]);
const finish = event([{ index: 0, delta: {}, finish_reason: 'stop' }]);
const usage = event([], {
  usage: { prompt_tokens: 14, completion_tokens: 100, total_tokens: 114 },
});
const done = encoder.encode('data: [DONE]\n\n');

// All streams share one ticker, so that pacing a thousand of them costs next to nothing.
const tickers = new Map<number, Set<() => void>>();
function everyTick(paceMs: number, onTick: () => void): () => void {
  let ticking = tickers.get(paceMs);
  if (!ticking) {
    const set = new Set<() => void>();
    setInterval(() => set.forEach((run) => run()), paceMs);
    tickers.set(paceMs, (ticking = set));
  }
  ticking.add(onTick);
  return () => ticking.delete(onTick);
}

function stream(chunks: number, paceMs: number): ReadableStream<Uint8Array> {
  let stop = () => {};
  return new ReadableStream({
    start(controller) {
      let left = chunks - 1;
      controller.enqueue(delta);
      stop = everyTick(paceMs, () => {
        if (left-- > 0) return controller.enqueue(delta);
        stop();
        for (const last of [finish, usage, done]) controller.enqueue(last);
        controller.close();
      });
    },
    cancel: () => stop(),
  });
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    if (request.method === 'GET')
      return Response.json({ object: 'list', data: [{ id: 'bench-model' }] });
    const body = await request.text();
    const asked = /"bench_stream":\[(\d+),(\d+)\]/.exec(body);
    if (!asked)
      return new Response(completion, { headers: { 'content-type': 'application/json' } });
    return new Response(stream(Number(asked[1]), Number(asked[2])), {
      headers: { 'content-type': 'text/event-stream' },
    });
  },
});
process.stdout.write(`ready http://127.0.0.1:${server.port}\n`);
