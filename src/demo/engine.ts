// The demo engine's server: OpenAI's chat completions on a loopback port of its own. The gateway talks to it over
// HTTP with the same code as to any engine, so whatever works against the demo has gone the whole way.

import { createCompletion } from './completion.ts';
import { createPrefixCache, type PrefixCache } from './prefix-cache.ts';
import { composeReply } from './reply.ts';
import { parseChatRequest, RequestProblem } from './request.ts';
import { pacedBody } from './stream.ts';
import { createTicker, type Ticker } from './ticker.ts';
import { streamedCompletion, wholeCompletion } from './wire.ts';

const DEFAULT_TOKEN_DELAY_MS = 15;
const MODELS = ['demo', 'demo-image'];

export interface DemoEngine {
  /** The base URL for an OpenAI client, such as `http://127.0.0.1:40123/v1`. */
  readonly url: string;
  /** Ends every stream and frees the port. */
  close(): Promise<void>;
}

interface DemoOptions {
  /** Time between two tokens of a stream, in milliseconds; 0 is as fast as it can be read. */
  readonly tokenDelayMs?: number;
  /** 0, the default, takes any free port. */
  readonly port?: number;
}

interface Running {
  readonly cache: PrefixCache;
  readonly ticker: Ticker;
}

export function startDemoEngine(options: DemoOptions = {}): DemoEngine {
  const running: Running = {
    cache: createPrefixCache(),
    ticker: createTicker(options.tokenDelayMs ?? DEFAULT_TOKEN_DELAY_MS),
  };
  const startedAt = Math.floor(Date.now() / 1000);
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: options.port ?? 0,
    // A stream whose client reads slowly is silent for as long as that client likes.
    idleTimeout: 0,
    routes: {
      '/health': { GET: () => Response.json({ status: 'ok' }) },
      '/v1/models': { GET: () => Response.json(modelList(startedAt)) },
      '/v1/chat/completions': { POST: (request) => completeChat(request, running) },
    },
    fetch: (request) =>
      refusal(404, `Unknown request URL: ${request.method} ${new URL(request.url).pathname}.`),
    error: () => refusal(500, 'The demo engine failed on this request.'),
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    async close() {
      running.ticker.close();
      await server.stop(true);
    },
  };
}

async function completeChat(request: Request, { cache, ticker }: Running): Promise<Response> {
  try {
    const chat = parseChatRequest(await request.text());
    const completion = createCompletion(chat, composeReply(chat), cache);
    if (!chat.stream) return Response.json(wholeCompletion(completion));
    const pieces = streamedCompletion(completion, chat.includeUsage);
    return new Response(pacedBody(pieces, ticker, request.signal), {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    });
  } catch (error) {
    if (error instanceof RequestProblem) return refusal(400, error.message, error.param);
    throw error;
  }
}

function modelList(created: number): object {
  const data = MODELS.map((id) => ({ id, object: 'model', created, owned_by: 'demo-engine' }));
  return { object: 'list', data };
}

function refusal(status: number, message: string, param: string | null = null): Response {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return Response.json({ error: { message, type, param, code: null } }, { status });
}
