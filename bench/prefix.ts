// `npm run bench:prefix`: how much of each prompt a real llama.cpp takes from its cache. The same ten turns go through
// /c1, which owns the history, and through /v1, from clients that own it. The counts are the engine's.
import { startEngine } from './llama.ts';
import { createNaiveClient, type Counts } from './naive-client.ts';
import { startGateway, TOKEN } from './processes.ts';
import { row } from './table.ts';
import { CONVERSATION, SYSTEM, TOOLS, type Asked } from './texts.ts';
import { startToolShim } from './tool-shim.ts';

const ANSWER_TOKENS = 24;

interface C1Counts extends Counts {
  readonly expected: number | null;
}

type Client<C extends Counts> = { ask(asked: Asked): Promise<C> };
/** Posts a body to a path with the engine's parameters added. */
type Send = (path: string, body: object) => Promise<unknown>;

function createC1Client(send: Send, get: (path: string) => Promise<unknown>): Client<C1Counts> {
  let conversation: string | undefined;
  let callId: string | undefined;
  return {
    async ask({ text, toolResult }) {
      const reply = (await send('/c1/chat', {
        message: text,
        ...(conversation ? { conversation_id: conversation } : { system: SYSTEM, tools: TOOLS }),
        ...(toolResult === undefined
          ? {}
          : { tool_results: [{ tool_call_id: callId, content: toolResult }] }),
      })) as {
        conversation_id: string;
        turn_id: string;
        choices: [{ message: { tool_calls?: { id: string }[] } }];
      };
      conversation = reply.conversation_id;
      callId = reply.choices[0].message.tool_calls?.[0]?.id;
      const { usage } = (await get(`/c1/turns/${reply.turn_id}`)) as {
        usage: {
          prompt_tokens: number | null;
          cached_tokens: number | null;
          expected_cached_tokens: number | null;
        };
      };
      return {
        prompt: usage.prompt_tokens ?? 0,
        cached: usage.cached_tokens ?? 0,
        expected: usage.expected_cached_tokens,
      };
    },
  };
}

/** All ten turns with a client of its own, on an engine and a gateway of its own. */
async function talk<C extends Counts>(
  clientFor: (send: Send, get: (path: string) => Promise<unknown>) => Client<C>,
): Promise<C[]> {
  const engine = await startEngine();
  const shim = startToolShim(engine.url);
  const gateway = await startGateway(shim.url, { kind: 'llama.cpp', model: engine.model });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const read = async (response: Response) => {
    const text = await response.text();
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${text}`);
    return JSON.parse(text) as unknown;
  };
  const get = async (path: string) => read(await fetch(gateway.url + path, { headers }));
  const send: Send = async (path, body) => {
    const asked = { model: 'bench', max_tokens: ANSWER_TOKENS, ...engine.parameters, ...body };
    const options = { method: 'POST', headers, body: JSON.stringify(asked) };
    return read(await fetch(gateway.url + path, options));
  };
  try {
    const client = clientFor(send, get);
    const counts: C[] = [];
    for (const asked of CONVERSATION) counts.push(await client.ask(asked));
    return counts;
  } finally {
    await gateway.stop();
    await shim.stop();
    await engine.stop();
  }
}

const share = ({ prompt, cached }: Counts) => `${Math.round((100 * cached) / prompt)} %`;

function total(counts: readonly Counts[]): Counts {
  const sum = (of: (counts: Counts) => number) => counts.reduce((all, each) => all + of(each), 0);
  return { prompt: sum(({ prompt }) => prompt), cached: sum(({ cached }) => cached) };
}

const naive = (clock: boolean) =>
  talk((send) => createNaiveClient((body) => send('/v1/chat/completions', body), { clock }));

const c1 = await talk(createC1Client);
const plain = await naive(false);
const clocked = await naive(true);

console.log(`\nBun ${Bun.version}; tokens as llama.cpp counts them\n`);
row(
  ['turn', '/c1 prompt', 'expected', 'cached', '']
    .concat(['re-serialised prompt', 'cached', ''])
    .concat(['and with a clock prompt', 'cached', '']),
);
row(['---', ...Array.from({ length: 10 }, () => '--:')]);
const cells = (counts: Counts) => [counts.prompt, counts.cached, share(counts)];
CONVERSATION.forEach(({ name }, at) => {
  const [ours, theirs, late] = [c1[at], plain[at], clocked[at]];
  if (!ours || !theirs || !late) return;
  const { prompt, expected, cached } = ours;
  row(
    [`${at + 1}: ${name}`, prompt, expected ?? '–', cached, share(ours)].concat(
      cells(theirs),
      cells(late),
    ),
  );
});
const sums = [c1, plain, clocked].map(total) as [Counts, Counts, Counts];
const expected = c1.reduce((all, counts) => all + (counts.expected ?? 0), 0);
row(
  ['**all**', sums[0].prompt, expected, sums[0].cached, share(sums[0])].concat(
    cells(sums[1]),
    cells(sums[2]),
  ),
);
const computed = sums.map(({ prompt, cached }) => prompt - cached);
console.log(`\nPrompt tokens computed: ${computed.join(', ')}.`);
