// The upstream of the crash run: what it answers follows from the request's mark, so that everybody knows what an
// answer has to be; and it counts who asked, so that nothing is generated twice unseen.
import { sentMember } from '../harness/c1.ts';
import {
  beginSse,
  chunk,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from '../harness/fake-upstream.ts';
import { createRandom, seedOf } from '../harness/random.ts';

/** The member of a request that names it; the gateway carries it to the upstream as it is. */
export const MARK = 'x_ask';

export interface Engine {
  readonly url: string;
  /** How often the request with this mark was asked of it. */
  callsOf(mark: string): number;
  /** Ends every connection, the kept ones included. */
  hangUp(): void;
  close(): Promise<void>;
}

export interface PlannedAnswer {
  readonly words: readonly string[];
  /** Milliseconds before each word. */
  readonly pace: number;
  /** Breaks off after its words: the turn has to fail. */
  readonly isCut: boolean;
}

export function plannedAnswer(mark: string): PlannedAnswer {
  const random = createRandom(seedOf(mark));
  const count = 1 + random.below(random.chance(0.3) ? 60 : 12);
  const word = () => random.pick(['one ', 'zwei ', '三', '👩‍👧 ', '"\\ ', '\n\n', 'data: ']) ?? '';
  return {
    words: [`re ${mark}: `, ...Array.from({ length: count }, word)],
    pace: random.below(4),
    isCut: random.chance(0.05),
  };
}

export function answerTo(mark: string): string {
  return plannedAnswer(mark).words.join('');
}

export async function startEngine(): Promise<Engine> {
  const asked = new Map<string, number>();
  const upstream: FakeUpstream = await startFakeUpstream(async (call) => {
    // Thousands of prompts would pile up.
    upstream.calls.length = 0;
    const mark = JSON.parse(sentMember(call, MARK) ?? '""') as string;
    asked.set(mark, (asked.get(mark) ?? 0) + 1);
    await answer(call, plannedAnswer(mark));
  });
  return {
    url: upstream.url,
    callsOf: (mark) => asked.get(mark) ?? 0,
    hangUp: () => upstream.hangUp(),
    close: () => upstream.close(),
  };
}

async function answer(call: UpstreamCall, { words, pace, isCut }: PlannedAnswer): Promise<void> {
  let isClosed = false;
  void call.closed.then(() => (isClosed = true));
  await beginSse(call);
  for (const content of words) {
    if (pace > 0) await Bun.sleep(pace);
    if (isClosed) return;
    await call.send(sse(chunk({ content })));
  }
  if (!isCut) await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
  call.end();
}
