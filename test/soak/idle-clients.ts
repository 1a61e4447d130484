// Connections of the soak that are kept, and used now and then.
import { openRaw, type RawConnection } from '../harness/raw.ts';
import type { Crew } from './crew.ts';

/** Opened or used at once: more would be a storm of their own. */
const AT_ONCE = 50;

const HEALTHZ = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n';

/** All of a reply, whatever it says. */
const REPLY = /\r\n\r\n\{[^]*\}$/;

/** Keeps that many connections open until the gateway is gone or the work is over. */
export async function keepIdle(crew: Crew, wanted: number): Promise<void> {
  const { life, random, count, isDying } = crew;
  let kept: Kept[] = [];
  while (!life.isOver) {
    kept = kept.filter(({ isClosed }) => !isClosed);
    const missing = Math.min(AT_ONCE, wanted - kept.length);
    const opened = await Promise.all(Array.from({ length: missing }, () => open(crew)));
    kept.push(...opened.filter((one) => one !== null));
    if (opened.includes(null) && !isDying()) life.book.fault('an idle connection was refused');
    const used = Array.from({ length: Math.min(AT_ONCE, 1 + Math.floor(kept.length / 50)) }, () =>
      random.pick(kept),
    );
    for (const one of new Set(used)) await one?.use();
    count('used an idle connection');
    await Bun.sleep(100);
  }
  for (const { raw } of kept) raw.destroy();
}

interface Kept {
  readonly raw: RawConnection;
  isClosed: boolean;
  use(): Promise<void>;
}

async function open({ life, isDying }: Crew): Promise<Kept | null> {
  try {
    const raw = await openRaw(life.gateway.url);
    const kept: Kept = {
      raw,
      isClosed: false,
      async use() {
        // What came before is none of this use: to look through all of it again would take longer with each.
        raw.forget();
        raw.send(HEALTHZ);
        const reply = await raw.until(REPLY);
        // Nothing: it had been idle for too long, and was closed as the request went out.
        if (reply !== '' && !reply.startsWith('HTTP/1.1 200 ') && !isDying())
          life.book.fault(`an idle connection was answered ${JSON.stringify(reply)}`);
      },
    };
    void raw.closed.then(() => (kept.isClosed = true));
    await kept.use();
    return kept;
  } catch {
    // Told by whoever asked: a gateway that is being killed refuses.
    return null;
  }
}
