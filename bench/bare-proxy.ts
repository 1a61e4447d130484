// The least that a gateway on Bun can do: read the JSON, ask the upstream, pass the reply on. What the gateway costs
// beyond this is its own; what this costs beyond nginx is the runtime's.
const [upstream = ''] = process.argv.slice(2);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: 64 * 1024 * 1024,
  async fetch(request) {
    if (request.method === 'GET') return new Response('ok');
    const text = await request.text();
    const { model } = JSON.parse(text) as { model?: unknown };
    if (model !== 'bench') return new Response(null, { status: 404 });
    const response = await fetch(upstream + new URL(request.url).pathname, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
      timeout: false,
    });
    return new Response(response.body, {
      headers: { 'content-type': response.headers.get('content-type') ?? '' },
    });
  },
});
process.stdout.write(`ready http://127.0.0.1:${server.port}\n`);
