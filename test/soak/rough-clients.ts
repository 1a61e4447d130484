// Clients of the soak that no library would be: readers that are slow or stop, requests that never end, broken syntax.
import { BROKEN, post, TWO_READINGS } from '../harness/hostile.ts';
import { openRaw, replyIn, statusesIn, type RawConnection } from '../harness/raw.ts';
import type { Crew } from './crew.ts';
import { judge, newQuestion, toldBy } from './v1-clients.ts';

function streamed(body: string): string {
  return post(`connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`, body);
}

/** Reads a little, rests, reads on: nothing is lost by that. */
export async function readSlowly(crew: Crew): Promise<void> {
  await onWire(crew, async (raw) => {
    // A long one that is refused half read ends in a reset, which takes from a slow reader what it had not read yet.
    const question = newQuestion(crew, {
      shape: 'long',
      alias: 'steady',
      stream: true,
      isShort: true,
    });
    const gone = new AbortController();
    const closed = raw.closed.finally(() => gone.abort());
    raw.send(streamed(question.body));
    while (!gone.signal.aborted && !crew.isDying()) {
      if (!crew.life.isOver) raw.pause();
      await Bun.sleep(crew.random.below(60));
      raw.resume();
      await Bun.sleep(2);
    }
    if (crew.isDying()) return;
    const received = await closed;
    if (received === '') {
      crew.life.book.fault(`${question.mark} was hung up on without a reply`);
      return;
    }
    const reply = replyIn(received);
    if (!reply.isWhole) crew.life.book.fault(`${question.mark} broke off under a slow reader`);
    const { headers, status, text } = reply;
    judge(crew, question, toldBy({ ok: status === 200, headers }, text));
    crew.count('read slowly to the end');
  });
}

/** Stops reading in the middle, stays, and leaves in the end. */
export async function stopReading(crew: Crew): Promise<void> {
  await onWire(crew, async (raw) => {
    const { body } = newQuestion(crew, { shape: 'long', alias: 'steady', stream: true });
    raw.send(streamed(body));
    raw.pause();
    await stay(crew, 500 + crew.random.below(4_000));
    crew.count('stopped reading');
  });
}

/** A request that comes byte by byte, and never whole. */
export async function sendHalf(crew: Crew): Promise<void> {
  const { random } = crew;
  await onWire(crew, async (raw) => {
    const { body } = newQuestion(crew, { shape: 'text', alias: 'steady', stream: true });
    const bytes = streamed(body);
    const until = 1 + random.below(bytes.length - 1);
    const start = Math.max(0, until - 20);
    raw.send(bytes.slice(0, start));
    for (let at = start; at < until && !crew.life.isOver; at++) {
      raw.send(bytes.slice(at, at + 1));
      await Bun.sleep(random.below(150));
    }
    await stay(crew, random.below(3_000));
    const statuses = statusesIn(raw.received());
    if (statuses.some((status) => status < 400))
      crew.life.book.fault(`half a request was answered ${statuses.join()}`);
    crew.count('sent half a request');
  });
}

/** What is no request, or two: refused or hung up on. */
export async function sendBroken(crew: Crew): Promise<void> {
  const [what, bytes] = crew.random.pick([...TWO_READINGS, ...BROKEN]) ?? ['nothing', ''];
  await onWire(crew, async (raw) => {
    raw.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    await Promise.race([raw.until(/^HTTP\/1\.1 [^]*?\r\n\r\n/), stay(crew, 500)]);
    const statuses = statusesIn(raw.received());
    if (statuses.some((status) => status < 400))
      crew.life.book.fault(`${what} was answered ${statuses.join()}`);
    crew.count('sent something broken');
  });
}

const BAD_BODIES = [
  ['/v1/chat/completions', '{"model":"steady"'],
  ['/v1/chat/completions', '{"model":"steady","messages":[]}'],
  ['/v1/chat/completions', '{"model":"nobody","messages":[{"role":"user","content":"x"}]}'],
  ['/v1/chat/completions', `{"model":"steady","messages":${'['.repeat(90)}${']'.repeat(90)}}`],
  ['/v1/chat/completions', '{"model":"steady","model":"wild","messages":[{}]}'],
  ['/v1/chat/completions', `{"model":"steady","messages":["${'x'.repeat(2_200_000)}"]}`],
  ['/c1/chat', '{"model":"test-model","message":""}'],
  ['/c1/chat', '{"model":"test-model","message":"x","conversation_id":"conv_none"}'],
  ['/c1/chat', '{"model":"test-model","messages":[]}'],
  ['/c1/conversations/none/fork', '{"node":7}'],
  ['/c1/import', 'no lines'],
  ['/c1/turns/none/cancel', ''],
  ['/nowhere', '{}'],
] as const;

/** Requests that are HTTP and still wrong: each has a reason that the client is told. */
export async function sendWrong({ life, random, count, isDying }: Crew): Promise<void> {
  const [path, body] = random.pick(BAD_BODIES) ?? BAD_BODIES[0];
  try {
    const response = await life.gateway.request(path, { body });
    const text = await response.text();
    const { error } = JSON.parse(text) as { error: { code: string; request_id: string } };
    const isTold = error.request_id === response.headers.get('x-request-id');
    if (isDying() || error.code === 'overloaded') return;
    if (response.status < 400 || response.status >= 500 || !isTold)
      life.book.fault(`${path} with ${body.slice(0, 80)} was answered ${response.status} ${text}`);
    count('sent something wrong');
  } catch (error) {
    if (!isDying()) life.book.fault(`${path} with ${body.slice(0, 80)}: ${String(error)}`);
  }
}

async function onWire(crew: Crew, deed: (raw: RawConnection) => Promise<void>): Promise<void> {
  let raw: RawConnection;
  try {
    raw = await openRaw(crew.life.gateway.url);
  } catch (error) {
    if (!crew.isDying()) crew.life.book.fault(`no connection: ${String(error)}`);
    return;
  }
  try {
    await deed(raw);
  } finally {
    raw.destroy();
  }
}

async function stay({ life }: Crew, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until && !life.isOver) await Bun.sleep(25);
}
