// An upstream of the soak: answers by the plan that a request's mark makes, and, where it is wild, does to half of the
// answers whatever upstreams do wrong. It also looks whether what it was sent is what the client sent.
import { seedOf } from '../harness/random.ts';
import {
  beginSse,
  chunk,
  replyJson,
  sse,
  startFakeUpstream,
  type UpstreamCall,
} from '../harness/fake-upstream.ts';
import { sentMember, sentMessages } from '../harness/c1.ts';
import {
  chunksOf,
  EARLY_FAULTS,
  isEarly,
  MARK,
  messageOf,
  planFor,
  SUM,
  type EarlyFault,
  type Fault,
  type Plan,
} from './plan.ts';

export interface SoakUpstream {
  readonly url: string;
  readonly port: number;
  openConnections(): number;
  /** Ends what nobody uses, so that no kept connection counts as a lost one. */
  hangUp(): void;
  close(): Promise<void>;
}

/** `wild` spoils half of its answers, `hopeless` every one before it begins. */
type Manner = 'steady' | 'wild' | 'hopeless';

export interface UpstreamOptions {
  readonly manner: Manner;
  /** What was sent is not what arrived. */
  onFault(what: string): void;
}

/** Words that go out together: a stream of one word each would be all overhead. */
const PIECE = 4;

export async function startSoakUpstream({
  manner,
  onFault,
}: UpstreamOptions): Promise<SoakUpstream> {
  const fake = await startFakeUpstream(async (call) => {
    // Many thousands of prompts would pile up.
    fake.calls.length = 0;
    const mark = JSON.parse(sentMember(call, MARK) ?? '"none"') as string;
    checkContent(call, mark, onFault);
    const plan = planFor(mark);
    await answer(call, { ...plan, id: manner, fault: faultOf(manner, plan) });
  });
  return {
    url: fake.url,
    port: Number(new URL(fake.url).port),
    openConnections: () => fake.openConnections(),
    hangUp: () => fake.hangUp(),
    close: () => fake.close(),
  };
}

function faultOf(manner: Manner, { fault, said }: Plan): Fault | null {
  if (manner === 'hopeless') return EARLY_FAULTS[seedOf(said) % EARLY_FAULTS.length] ?? 'fails';
  return manner === 'wild' ? fault : null;
}

function checkContent(call: UpstreamCall, mark: string, onFault: (what: string) => void): void {
  const sum = sentMember(call, SUM);
  if (sum === undefined) return;
  const content = JSON.stringify(sentMessages(call).at(-1)?.content);
  if (seedOf(content) !== Number(sum)) onFault(`${mark} arrived with another content`);
}

/** A plan with the name of whoever carries it out. */
interface Answer extends Plan {
  readonly id: Manner;
}

async function answer(call: UpstreamCall, plan: Answer): Promise<void> {
  const { fault } = plan;
  if (fault !== null && isEarly(fault)) await failEarly(call, fault);
  else if (/"stream":\s*true/.test(call.body)) await stream(call, plan);
  else await whole(call, plan);
}

async function failEarly(call: UpstreamCall, fault: EarlyFault): Promise<void> {
  const error = { error: { message: `this upstream ${fault}`, type: 'server_error' } };
  switch (fault) {
    case 'floods':
      await replyJson(call, error, { status: 429 });
      break;
    case 'floods for a second':
      await replyJson(call, error, { status: 429, headers: { 'retry-after': '1' } });
      break;
    case 'fails':
      await replyJson(call, error, { status: 500 });
      break;
    case 'is busy':
      await replyJson(call, error, { status: 503 });
      break;
    case 'redirects':
      await replyJson(call, '', { status: 307, headers: { location: 'http://127.0.0.1:9/' } });
      break;
    case 'talks HTML':
      await replyJson(call, '<html>Bad Gateway</html>', {
        headers: { 'content-type': 'text/html' },
      });
      break;
    case 'resets at once':
      call.reset();
      break;
    case 'says nothing':
      break;
    case 'begins with garbage':
      await beginSse(call);
      await call.send('data: {"choices":[{"index":0,"delta":{"content":"x\n\n');
      call.end();
      break;
    case 'is not HTTP':
      await call.send('SSH-2.0-OpenSSH_9.2\r\n');
      call.end();
      break;
    default:
      fault satisfies never;
  }
}

async function stream(call: UpstreamCall, plan: Answer): Promise<void> {
  const { id, finish, pace, fault } = plan;
  let isClosed = false;
  void call.closed.then(() => (isClosed = true));
  const chunks = chunksOf(plan, id);
  const middle = fault === null ? -1 : Math.ceil(chunks.length / 2);
  await beginSse(call);
  for (let at = 0; at < chunks.length; at += PIECE) {
    const until = middle > at && middle < at + PIECE ? middle : at + PIECE;
    await call.send(chunks.slice(at, until).map(sse).join(''));
    if (until >= middle && fault !== null) return await failLate(call, fault);
    if (isClosed) return;
    if (pace > 0) await Bun.sleep(pace);
  }
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  await call.send(
    sse(chunk({}, finish, { id })) +
      sse({ ...chunk({}, null, { id }), choices: [], usage }) +
      sse('[DONE]'),
  );
  call.end();
}

async function whole(call: UpstreamCall, plan: Answer): Promise<void> {
  const { id, finish, fault } = plan;
  const choices = [{ index: 0, message: messageOf(plan), finish_reason: finish }];
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const reply = { ...chunk({}, null, { id }), object: 'chat.completion', choices, usage };
  if (fault === null) return await replyJson(call, reply);
  const text = Buffer.from(JSON.stringify(reply));
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
  await call.send(`${head}content-length: ${text.length}\r\n\r\n`);
  await call.send(text.subarray(0, Math.floor(text.length / 2)));
  await failLate(call, fault);
}

async function failLate(call: UpstreamCall, fault: Fault): Promise<void> {
  if (fault === 'resets') call.reset();
  if (fault === 'closes') call.end();
  if (fault === 'talks garbage') await call.send('data: {"choices":[{"index":0,"del\n\n');
  if (fault === 'reports an error')
    await call.send(sse({ error: { message: 'the engine died', type: 'server_error' } }));
  // What stalls is ended by the gateway, and so is what goes on after that.
}
