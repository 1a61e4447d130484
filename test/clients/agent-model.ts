// A model that does what an agent is for: it reads a file with the agent's own tool, writes what it found there into
// another one, and says so. What it finds cannot be known beforehand, so tool results have to have made the way.
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  sse,
  type UpstreamCall,
  type UpstreamScript,
} from '../harness/fake-upstream.ts';

/** A tool of the agent's and the arguments that do the work. */
export interface ToolUse {
  readonly name: string;
  readonly arguments: object;
}

export interface AgentTools {
  readonly read: ToolUse;
  write(text: string): ToolUse;
  /** Where an agent ends its work by a tool. */
  finish?(text: string): ToolUse;
}

export const SECRET = /secret-[0-9a-f]{12}/;

export const finalText = (secret: string) => `Done: output.txt says ${secret}.`;

interface Asked {
  readonly stream?: boolean;
  readonly tools?: readonly unknown[];
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

export function createAgentModel(tools: AgentTools): UpstreamScript {
  return async (call) => {
    const asked = JSON.parse(call.body) as Asked;
    if (!asked.tools?.length) return await say(call, asked, 'Copy a secret');
    const results = asked.messages.filter(({ role }) => role === 'tool');
    const secret = SECRET.exec(JSON.stringify(results))?.[0] ?? 'no secret was shown';
    if (results.length === 0) return await use(call, asked, tools.read);
    if (results.length === 1) return await use(call, asked, tools.write(secret));
    if (results.length === 2 && tools.finish) {
      return await use(call, asked, tools.finish(finalText(secret)));
    }
    return await say(call, asked, finalText(secret));
  };
}

const USAGE = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };

async function say(call: UpstreamCall, { stream }: Asked, text: string): Promise<void> {
  if (stream !== true) return await replyJson(call, completion(text));
  const words = text.split(/(?<= )/).map((content) => chunk({ content }));
  await send(call, [chunk({ role: 'assistant', content: '' }), ...words, chunk({}, 'stop')]);
}

/** The arguments come in pieces, as engines send them. */
async function use(call: UpstreamCall, { stream }: Asked, tool: ToolUse): Promise<void> {
  const id = `call_${crypto.randomUUID().replaceAll('-', '')}`;
  const text = JSON.stringify(tool.arguments);
  const head = { id, type: 'function' };
  if (stream !== true) {
    const calls = [{ ...head, function: { name: tool.name, arguments: text } }];
    const message = { role: 'assistant', content: null, tool_calls: calls };
    const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
    return await replyJson(call, completion('', { choices }));
  }
  const fragments = text.match(/.{1,7}/gsu) ?? [];
  const begin = { index: 0, ...head, function: { name: tool.name, arguments: '' } };
  const delta = (part: object) => chunk({ tool_calls: [part] });
  await send(call, [
    chunk({ role: 'assistant', content: null }),
    delta(begin),
    ...fragments.map((fragment) => delta({ index: 0, function: { arguments: fragment } })),
    chunk({}, 'tool_calls'),
  ]);
}

async function send(call: UpstreamCall, chunks: readonly object[]): Promise<void> {
  await beginSse(call);
  for (const one of chunks) await call.send(sse(one));
  await call.send(sse({ ...chunk({}), choices: [], usage: USAGE }) + sse('[DONE]'));
  call.end();
}
