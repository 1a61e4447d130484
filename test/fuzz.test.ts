// The short forms of npm run fuzz: so many cases of each kind, always the same. What fails names its seed.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { everyKind, requestsTarget, startTarget, type FuzzTarget } from './fuzz/targets.ts';
import { fuzzJson } from './fuzz/json.ts';
import { fuzzReplies } from './fuzz/replies.ts';
import { fuzzRequests } from './fuzz/requests.ts';
import { fuzzSockets } from './fuzz/sockets.ts';
import { fuzzSse } from './fuzz/sse.ts';
import { residentBytes } from './harness/process-facts.ts';

const SEED = 20_261_125;
/** What 1,500 requests may leave behind at the most: as much again as the gateway has at all. */
const MOST_GROWTH_BYTES = 256 * 1024 * 1024;
const PATIENCE_MS = 120_000;

let one: FuzzTarget;
let kinds: FuzzTarget;
beforeAll(async () => {
  [one, kinds] = await Promise.all([startTarget(), startTarget(everyKind)]);
}, PATIENCE_MS);
afterAll(async () => {
  await Promise.all([one.close(), kinds.close()]);
});

test(
  'requests with anything wrong with them are answered as the OpenAPI document says, never by a fault',
  async () => {
    const before = residentBytes(one.gateway.process.pid);
    await fuzzRequests(await requestsTarget(one), { seed: SEED, runs: 1_000 });
    expect(residentBytes(one.gateway.process.pid) - before).toBeLessThan(MOST_GROWTH_BYTES);
  },
  PATIENCE_MS,
);

test(
  'JSON in any spelling is taken, refused and spliced alike, whether it is parsed or only looked over',
  () => fuzzJson({ seed: SEED, runs: 3_000 }),
  PATIENCE_MS,
);

test(
  'event streams of upstreams, whole or broken, come out as the right bytes or a typed error',
  async () => {
    await fuzzSse(one, { seed: SEED, runs: 600 });
  },
  PATIENCE_MS,
);

test(
  'replies of engines of every kind with a few bytes changed are told as replies or as faults of the upstream',
  async () => {
    await fuzzReplies(kinds, { seed: SEED, runs: 300 });
  },
  PATIENCE_MS,
);

test(
  'bytes that are no requests, or nearly, cost nobody else anything, and nothing crosses over',
  async () => {
    await fuzzSockets(one, { seed: SEED, runs: 120 });
  },
  PATIENCE_MS,
);
