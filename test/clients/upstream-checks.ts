// What must hold of the gateway in front of a provider that was scripted to say certain things, whatever its wire.
import { chat, framesOf } from '../harness/c1.ts';
import type { TestGateway } from '../harness/gateway.ts';
import { createTypeChecker } from '../harness/openai-types.ts';
import { ask } from '../harness/v1.ts';

export const WEATHER_CALL = { name: 'get_weather', arguments: { city: 'Paris' } };

const WEATHER = {
  type: 'function',
  function: {
    name: WEATHER_CALL.name,
    description: 'The weather in a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    },
  },
};

export const PICTURE_BASE64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const PICTURE = `data:image/png;base64,${PICTURE_BASE64}`;

interface Call {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A reply, whether it came whole or in chunks. */
interface Answer {
  readonly status: number;
  readonly code: string;
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
  readonly finish: string;
  readonly promptTokens: number;
  readonly typeFaults: readonly string[];
}

const faultsIn = createTypeChecker();

/** What of a stand-in is not as the real thing has it, or is let pass as it comes. */
export interface KnownFaults {
  /** Where its bytes do not fit the types of OpenAI's SDK. */
  readonly types?: readonly string[];
  readonly lacks?: readonly ('usage' | 'reasoning')[];
}

/** Everything that is not as it must be, for both forms of both APIs; `start` makes a gateway that has seen nothing. */
export async function checkUpstream(
  start: () => Promise<TestGateway>,
  { types = [], lacks = [] }: KnownFaults,
): Promise<string[]> {
  const gateway = await start();
  const faults: string[] = [];
  const fits = ({ typeFaults }: Answer) => typeFaults.every((fault) => types.includes(fault));
  for (const stream of [false, true]) {
    const expect = (what: string, holds: boolean, answer: Answer) => {
      if (!holds)
        faults.push(`${what}, ${stream ? 'streamed' : 'whole'}: ${JSON.stringify(answer)}`);
    };
    const said = async (content: unknown, more: object = {}) => {
      const messages = [{ role: 'user', content }];
      const answer = await answerOf(await ask(gateway, { messages, ...OPTIONS, stream, ...more }));
      expect('fits the SDK’s types', fits(answer), answer);
      return answer;
    };

    const hello = await said('hello');
    expect('text', hello.text === 'Hello! Grüße 😀 to you.' && hello.finish === 'stop', hello);
    expect('usage', hello.promptTokens === 7 || lacks.includes('usage'), hello);

    const thought = await said('think');
    expect('text after reasoning', thought.text === 'It is 42.', thought);
    const reasoned = thought.reasoning === 'Six times seven.' || lacks.includes('reasoning');
    expect('reasoning', reasoned, thought);

    const called = await said('weather', { tools: [WEATHER] });
    const [call] = called.calls;
    const given = call ? (JSON.parse(call.function.arguments) as object) : {};
    const isCall = JSON.stringify(given) === JSON.stringify(WEATHER_CALL.arguments);
    expect('a tool call', isCall && called.finish === 'tool_calls', called);
    const messages = [
      { role: 'user', content: 'weather' },
      { role: 'assistant', content: null, tool_calls: called.calls },
      { role: 'tool', tool_call_id: call?.id, content: '{"celsius":23}' },
    ];
    const told = await said('', { messages, tools: [WEATHER] });
    expect('the answer after a tool result', told.text.includes('23 degrees'), told);

    const image = { type: 'image_url', image_url: { url: PICTURE } };
    const seen = await said([{ type: 'text', text: 'picture' }, image]);
    expect('an image', seen.text === 'A red pixel.', seen);

    const wrong = await said('wrong');
    expect('a 400', wrong.status === 400 && wrong.code === 'upstream_rejected', wrong);

    const first = await chat(gateway, { message: 'hello', ...OPTIONS, stream });
    const conversation_id = first.headers.get('x-conversation-id');
    const turn = await answerOf(first);
    expect('/c1', turn.text === hello.text, turn);
    expect('/c1 fits the SDK’s types', fits(turn), turn);
    const second = await chat(gateway, { message: 'think', conversation_id, ...OPTIONS, stream });
    const next = await answerOf(second);
    expect('/c1, the turn after it', next.text === 'It is 42.', next);
    expect('a 429', await isBusy(start, stream), next);
  }
  await gateway.close();
  return faults;
}

/** By itself: a gateway may leave an upstream alone for a while that was busy. */
async function isBusy(start: () => Promise<TestGateway>, stream: boolean): Promise<boolean> {
  const gateway = await start();
  const messages = [{ role: 'user', content: 'busy' }];
  const { status, code } = await answerOf(await ask(gateway, { messages, stream }));
  await gateway.close();
  return status === 429 && code === 'upstream_rate_limited';
}

const OPTIONS = { max_tokens: 200, stream_options: { include_usage: true } };

interface Part {
  readonly content?: string | null;
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
  readonly tool_calls?: readonly (Call & { readonly index?: number })[];
}

interface Said {
  readonly choices?: readonly {
    readonly message?: Part;
    readonly delta?: Part;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number } | null;
  readonly error?: { readonly code: string };
}

async function answerOf(response: Response): Promise<Answer> {
  const body = await response.text();
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  const texts = isStream
    ? framesOf(body)
        .map(({ data }) => data)
        .filter((data) => data.startsWith('{'))
    : [body];
  const said = texts.map((text) => JSON.parse(text) as Said);
  const type = isStream ? 'ChatCompletionChunk' : 'ChatCompletion';
  const choices = said.flatMap((one) => one.choices ?? []);
  const parts = choices.map(({ delta, message }) => delta ?? message ?? {});
  const joined = (of: (part: Part) => string | null | undefined) =>
    parts.map((part) => of(part) ?? '').join('');
  return {
    status: response.status,
    code: said.find(({ error }) => error)?.error?.code ?? '',
    text: joined(({ content }) => content),
    reasoning: joined(({ reasoning, reasoning_content }) => reasoning ?? reasoning_content),
    calls: joinedCalls(parts),
    finish: choices.findLast(({ finish_reason }) => finish_reason)?.finish_reason ?? '',
    promptTokens: said.findLast(({ usage }) => usage)?.usage?.prompt_tokens ?? 0,
    typeFaults: said.filter(({ error }) => !error).flatMap((one) => faultsIn(type, one)),
  };
}

/** The pieces of each call put together by its index, as SDKs do it. */
function joinedCalls(parts: readonly Part[]): Call[] {
  const calls: Call[] = [];
  for (const piece of parts.flatMap(({ tool_calls }) => tool_calls ?? [])) {
    const at = piece.index ?? calls.length;
    const { function: fn, ...rest } = calls[at] ?? piece;
    const more = calls[at] ? piece.function.arguments : '';
    calls[at] = { ...rest, function: { ...fn, arguments: (fn.arguments ?? '') + more } };
  }
  return calls;
}
