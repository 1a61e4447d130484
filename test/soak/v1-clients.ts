// Clients of /v1 in the soak: streamed and whole, with tools, images and large prompts, patient or leaving at any
// moment. Whatever is said to them has to be what the request's mark makes of it.
import { framesOf, gif } from '../harness/c1.ts';
import { seedOf } from '../harness/random.ts';
import { endOf, errorIn } from '../harness/v1.ts';
import type { Crew } from './crew.ts';
import { MARK, markOf, planFor, saidBy, SUM, type Plan, type Shape } from './plan.ts';

export const ALIASES = ['steady', 'chain', 'wild'] as const;
export type Alias = (typeof ALIASES)[number];

type Leaves = 'never' | 'before the first byte' | 'after the first byte';

export interface Question {
  readonly mark: string;
  readonly plan: Plan;
  readonly alias: Alias;
  readonly stream: boolean;
  readonly body: string;
}

export interface Told {
  readonly said: string;
  readonly error: string | null;
  readonly malformed: string | null;
  /** Who speaks, as the answer itself says; null where nothing was said. */
  readonly speaker: string | null;
}

interface Wanted {
  readonly shape?: Shape;
  readonly alias?: Alias;
  readonly stream?: boolean;
  readonly isShort?: boolean;
}

export function newQuestion(
  { random, newNumber }: Pick<Crew, 'random' | 'newNumber'>,
  wanted: Wanted = {},
): Question {
  const number = newNumber();
  const shape = wanted.shape ?? (random.chance(0.3) ? 'tools' : 'text');
  const alias = wanted.alias ?? random.pick(ALIASES) ?? 'steady';
  const stream = wanted.stream ?? random.chance(0.6);
  const mark = markOf(shape, number);
  const content = contentFor(number, wanted.isShort ? 100 : random.below(100));
  const body = {
    model: alias,
    stream,
    [MARK]: mark,
    [SUM]: seedOf(JSON.stringify(content)),
    messages: [
      { role: 'system', content: 'You are asked without end.' },
      { role: 'user', content },
    ],
    ...(shape === 'tools' ? { tools: [LOOK] } : {}),
  };
  return { mark, plan: planFor(mark), alias, stream, body: JSON.stringify(body) };
}

const LOOK = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };

/** Mostly a few words; now and then an image, or what fills many packets. */
function contentFor(number: number, dice: number): unknown {
  if (dice < 5) return `${number} ${'a long prompt, ä"\\\n '.repeat(40_000)}`;
  if (dice < 15) return `${number} ${'a prompt '.repeat(2_000)}`;
  if (dice < 30) {
    return [
      { type: 'text', text: `what is on ${number}?` },
      { type: 'image_url', image_url: { url: gif(number % 256) } },
    ];
  }
  return `question ${number}`;
}

export async function askV1(crew: Crew): Promise<void> {
  const { random } = crew;
  const leaves = random.chance(0.8)
    ? 'never'
    : (random.pick<Leaves>(['before the first byte', 'after the first byte']) ?? 'never');
  await pose(crew, newQuestion(crew), leaves);
}

/** Everybody at once, and again when it fails: what clients do to an upstream that is ill. */
export async function storm(crew: Crew): Promise<void> {
  const clients = Array.from({ length: 24 }, async () => {
    const question = newQuestion(crew, {
      shape: 'text',
      alias: crew.random.pick(ALIASES) ?? 'wild',
    });
    for (let tries = 0; tries < 3; tries++) {
      const told = await pose(crew, question, 'never');
      if (told?.error === null) return;
    }
  });
  await Promise.all(clients);
}

async function pose(crew: Crew, question: Question, leaves: Leaves): Promise<Told | null> {
  const { life, random, count } = crew;
  const leaving = new AbortController();
  const timer =
    leaves === 'before the first byte'
      ? setTimeout(() => leaving.abort(), random.below(30))
      : undefined;
  try {
    const response = await life.gateway.request('/v1/chat/completions', {
      body: question.body,
      signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(crew.patienceMs)]),
    });
    if (leaves === 'after the first byte') {
      await response.body?.getReader().read();
      leaving.abort();
      return null;
    }
    const told = toldBy(response, await response.text());
    judge(crew, question, told);
    return told;
  } catch (error) {
    if (!leaving.signal.aborted && !crew.isDying())
      life.book.fault(`${question.mark} on ${question.alias}: ${String(error)}`);
    return null;
  } finally {
    clearTimeout(timer);
    if (leaving.signal.aborted) count(`left ${leaves}`);
  }
}

export function toldBy({ ok, headers }: Pick<Response, 'ok' | 'headers'>, text: string): Told {
  if (!ok) {
    const { code, request_id } = errorIn(text);
    const hasId = request_id === headers.get('x-request-id');
    const malformed = hasId ? null : `an error without its id: ${text}`;
    return { said: '', error: code, malformed, speaker: null };
  }
  if (!headers.get('content-type')?.startsWith('text/event-stream')) {
    const { id, choices } = JSON.parse(text) as { id: string; choices: [{ message: object }] };
    const named = headers.get('x-gateway-upstream');
    const malformed = named === id ? null : `the reply of ${id} names ${named}`;
    return { said: saidBy([choices[0].message]), error: null, malformed, speaker: id };
  }
  const frames = framesOf(text);
  const chunks = frames
    .filter(({ data }) => data.startsWith('{') && !data.startsWith('{"error":'))
    .map(({ data }) => JSON.parse(data) as { id: string; choices: { delta: object }[] });
  const speakers = new Set(chunks.map(({ id }) => id));
  const { error, malformed } = endOf(frames);
  return {
    said: saidBy(chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta)),
    error,
    malformed:
      speakers.size > 1 ? `the answers of ${[...speakers].join(' and ')} in one` : malformed,
    speaker: chunks[0]?.id ?? null,
  };
}

/** The right bytes, or a typed error that this upstream may cause; never something else, never a silent success. */
export function judge(
  { life, count, isDying }: Crew,
  { mark, plan, alias, stream }: Question,
  told: Told,
): void {
  const fault = (what: string) =>
    life.book.fault(`${mark} on ${alias}${stream ? ', streamed' : ''}: ${what}`);
  if (isDying() && (told.malformed !== null || told.error !== null)) return;
  if (told.malformed !== null) fault(told.malformed);
  if (told.error === null) {
    count(`answered on ${alias}`);
    if (told.said !== plan.said) fault(`says ${short(told.said)} instead of ${short(plan.said)}`);
    if (told.speaker === 'wild' && plan.fault !== null)
      fault(`looks complete although the upstream ${plan.fault}`);
    return;
  }
  count(`${told.error} on ${alias}`);
  if (!plan.said.startsWith(told.said)) fault(`breaks off after ${short(told.said)}`);
  // The machine may be too busy for a while: then nobody is asked.
  if (told.error === 'overloaded' && told.speaker === null) return;
  // Who has begun to speak may break off; before that the next target answers.
  const mayFail = alias === 'wild' || (alias === 'chain' && told.speaker === 'wild');
  if (!mayFail || !/^upstream_|^too_many_streams$/.test(told.error))
    fault(`fails with ${told.error} of ${told.speaker ?? 'nobody'}`);
}

function short(text: string): string {
  return text.length <= 200
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, 100))} … ${JSON.stringify(text.slice(-80))}`;
}
