// npm run fuzz: all fuzzers in turns, each time with another seed, until the time is over. A seed that is given is the
// only one.
import { parseArgs } from 'node:util';
import type { FuzzOptions } from './fuzz.ts';
import { fuzzJson } from './json.ts';
import { fuzzReplies } from './replies.ts';
import { fuzzRequests } from './requests.ts';
import { fuzzSockets } from './sockets.ts';
import { fuzzSse } from './sse.ts';
import { everyKind, requestsTarget, startTarget } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`${values.minutes} is no number of minutes`);

const [one, kinds] = await Promise.all([startTarget(), startTarget(everyKind)]);
const requests = await requestsTarget(one);
const fuzzers: readonly (readonly [
  name: string,
  runs: number,
  fuzz: (options: FuzzOptions) => void | Promise<void>,
])[] = [
  ['requests', 1_000, (options) => fuzzRequests(requests, options)],
  ['event streams', 1_000, (options) => fuzzSse(one, options)],
  ['replies', 500, (options) => fuzzReplies(kinds, options)],
  ['JSON', 10_000, fuzzJson],
  ['sockets', 200, (options) => fuzzSockets(one, options)],
];
const until = performance.now() + minutes * 60_000;
let seed = Number(values.seed ?? Date.now() % 1_000_000_000);
let failures = 0;
do {
  for (const [name, runs, fuzz] of fuzzers) {
    try {
      await fuzz({ seed, runs });
      process.stdout.write(`${name}: ${runs} cases of seed ${seed}\n`);
    } catch (error) {
      failures++;
      const { cause } = error as Error;
      process.stdout.write(`FAULT ${name}, seed ${seed}: ${String(error)}\n${String(cause)}\n`);
    }
  }
  seed++;
} while (values.seed === undefined && performance.now() < until);
await Promise.all([one.close(), kinds.close()]);
process.stdout.write(`${failures} failed\n`);
process.exit(failures === 0 ? 0 : 1);
