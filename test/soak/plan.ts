// What an upstream of the soak answers to a request: all of it follows from the request's mark, so that whoever made
// the mark knows every byte that has to come back, and what may go wrong.
import { createRandom, seedOf } from '../harness/random.ts';
import { chunk } from '../harness/fake-upstream.ts';

/** The member of a request that names it, and the one that vouches for its content; both are carried upstream. */
export const MARK = 'x_ask';
export const SUM = 'x_sum';

/** `long` is more than sockets hold, for readers that are slow. */
export type Shape = 'text' | 'tools' | 'long';

/** Before anything of an answer is seen. */
export const EARLY_FAULTS = [
  'floods',
  'floods for a second',
  'fails',
  'is busy',
  'redirects',
  'talks HTML',
  'resets at once',
  'says nothing',
  'begins with garbage',
  'is not HTTP',
] as const;

/** In the middle of one. */
const LATE_FAULTS = ['resets', 'closes', 'stalls', 'talks garbage', 'reports an error'] as const;

export type EarlyFault = (typeof EARLY_FAULTS)[number];
export type Fault = EarlyFault | (typeof LATE_FAULTS)[number];

export interface Plan {
  readonly deltas: readonly object[];
  readonly finish: 'stop' | 'tool_calls';
  /** Text and arguments of tool calls, as a client puts them together. */
  readonly said: string;
  /** Milliseconds before each delta. */
  readonly pace: number;
  /** What the wild upstream does to it; the steady one never does anything. */
  readonly fault: Fault | null;
}

export function markOf(shape: Shape, number: number): string {
  return `${shape}-${number}`;
}

export function planFor(mark: string): Plan {
  const random = createRandom(seedOf(mark));
  const word = () =>
    random.pick(['one ', 'zwei ', '三', '👩‍👧 ', '"\\ ', '\n\n', 'data: ', '\u2028']) ?? '';
  const count = 1 + random.below(random.chance(0.1) ? 120 : 20);
  const faults = random.chance(0.6) ? EARLY_FAULTS : LATE_FAULTS;
  const plan = {
    pace: random.below(5),
    fault: random.chance(0.5) ? (random.pick<Fault>(faults) ?? null) : null,
  };
  if (mark.startsWith('tools-')) {
    const args = JSON.stringify({ mark, words: Array.from({ length: count }, word) });
    return { ...plan, ...toolCall(mark, args.match(/[^]{1,7}/gu) ?? []) };
  }
  const words = mark.startsWith('long-')
    ? Array.from({ length: 300 }, (_, at) => `${mark}.${at} ${word().repeat(3_000)}`)
    : Array.from({ length: count }, word);
  const said = [`re ${mark}: `, ...words];
  return {
    ...plan,
    pace: mark.startsWith('long-') ? 0 : plan.pace,
    deltas: said.map((content) => ({ content })),
    finish: 'stop',
    said: said.join(''),
  };
}

function toolCall(mark: string, pieces: readonly string[]) {
  const id = `call_${mark}`;
  return {
    deltas: [
      {
        tool_calls: [{ index: 0, id, type: 'function', function: { name: 'look', arguments: '' } }],
      },
      ...pieces.map((text) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
    ],
    finish: 'tool_calls' as const,
    said: `${id}:${pieces.join('')}`,
  };
}

export function isEarly(fault: Fault): fault is EarlyFault {
  return EARLY_FAULTS.some((one) => one === fault);
}

/** The whole reply that says the same. */
export function messageOf({ deltas, finish, said }: Plan): object {
  if (finish === 'stop') return { role: 'assistant', content: said };
  const [first] = deltas as { tool_calls: { id: string }[] }[];
  const id = first?.tool_calls[0]?.id ?? '';
  const call = {
    id,
    type: 'function',
    function: { name: 'look', arguments: said.slice(id.length + 1) },
  };
  return { role: 'assistant', content: null, tool_calls: [call] };
}

interface Saying {
  readonly content?: string | null;
  readonly tool_calls?: readonly { id?: string; function: { arguments: string } }[];
}

/** What deltas or a message say, as `Plan.said` has it. */
export function saidBy(sayings: readonly Saying[]): string {
  return sayings
    .map(({ content, tool_calls = [] }) =>
      [
        content ?? '',
        ...tool_calls.map((call) => `${call.id ? `${call.id}:` : ''}${call.function.arguments}`),
      ].join(''),
    )
    .join('');
}

/** The events of the answer's stream up to its end; every one says in its id who speaks. */
export function chunksOf({ deltas }: Plan, id: string): object[] {
  return [{ role: 'assistant', content: '' }, ...deltas].map((delta) => chunk(delta, null, { id }));
}
