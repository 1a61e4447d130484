// A shim in front of llama.cpp for bench/prefix.ts. A model of random weights calls no tools by itself, so one turn's
// answer is put in by hand. The engine still reads that turn's prompt, and the counts are its own; it computes one
// token of an answer, which is thrown away. Every other request passes through untouched.
import { TOOL_QUESTION } from './texts.ts';

const CALL = {
  id: 'call_7d1f',
  type: 'function',
  // The order of members and the spacing are the model's own business, and part of the prompt from now on.
  function: { name: 'weather', arguments: '{"city": "東京", "days": 2, "unit": "celsius"}' },
};

interface AskedOf {
  readonly messages?: readonly { readonly content?: unknown }[];
  readonly stream?: boolean;
}

interface Reply {
  readonly usage: object;
  readonly timings?: object;
}

export interface Shim {
  readonly url: string;
  stop(): Promise<void>;
}

export function startToolShim(engineUrl: string): Shim {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const body = await request.text();
      const forward = (text: string) =>
        fetch(`${engineUrl}${pathname}`, {
          method: request.method,
          headers: { 'content-type': 'application/json' },
          ...(request.method === 'POST' ? { body: text } : {}),
        });
      const asked = (body === '' ? {} : JSON.parse(body)) as AskedOf;
      if (asked.messages?.at(-1)?.content === TOOL_QUESTION) return toolCall(asked, forward);
      const reply = await forward(body);
      const type = reply.headers.get('content-type') ?? 'application/json';
      return new Response(reply.body, { status: reply.status, headers: { 'content-type': type } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    stop: () => server.stop(true),
  };
}

/** The tool call in place of what the engine says, in the form that was asked for. */
async function toolCall(
  asked: AskedOf,
  forward: (text: string) => Promise<Response>,
): Promise<Response> {
  const counted = { ...asked, stream: false, stream_options: undefined, max_tokens: 1 };
  const response = await forward(JSON.stringify(counted));
  const text = await response.text();
  if (!response.ok) return new Response(text, { status: response.status });
  const { usage, timings } = JSON.parse(text) as Reply;
  const message = { role: 'assistant', content: null, tool_calls: [CALL] };
  const known = { id: 'chatcmpl-shim', created: 1_700_000_000, model: 'tiny' };
  const ending = { index: 0, finish_reason: 'tool_calls' };
  if (asked.stream !== true) {
    const choices = [{ ...ending, message }];
    return Response.json({ ...known, object: 'chat.completion', choices, usage, timings });
  }
  const delta = { ...message, tool_calls: [{ index: 0, ...CALL }] };
  const chunk = { ...known, object: 'chat.completion.chunk' };
  const events = [
    { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] },
    { ...chunk, choices: [{ ...ending, delta: {} }] },
    { ...chunk, choices: [], usage, timings },
  ];
  const lines = [...events.map((event) => JSON.stringify(event)), '[DONE]'];
  return new Response(lines.map((line) => `data: ${line}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  });
}
