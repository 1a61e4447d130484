// The chaos run: a gateway process with a chain of three targets that keep breaking and coming back, some tens of
// clients that ask all the while, and the rules that hold all the same.
import { Database } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, type Random } from '../harness/random.ts';
import { spawnGateway, type GatewayProcess } from '../harness/gateway.ts';
import { ask, keptTurn, type Ask, type Form } from './ask.ts';
import type { Fault } from './faults.ts';
import { upset } from './schedule.ts';
import { ChaosTarget } from './target.ts';
import { judge, type Outcome } from './verdict.ts';
import { backendsOf, Heartbeat, watch, type Seen } from './watch.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
}

export interface ChaosResult {
  readonly outcomes: Record<Outcome, number>;
  readonly violations: readonly string[];
  /** How many requests took so many attempts, by what the replies say. */
  readonly attempts: ReadonlyMap<number, number>;
  readonly faults: ReadonlyMap<Fault, number>;
  readonly latencies: readonly number[];
  readonly turns: number;
  readonly seen: Seen;
}

/** Short, so that a stalled target costs a request little, and long beside what a busy machine may take. */
const FIRST_BYTE_MS = 1_000;
const MAX_CONCURRENT = 24;
/** Turns of a conversation; then the client begins another. */
const LONGEST = 6;
/** What the gateway may grow by after its first fifth of the time. */
const MOST_GROWTH_BYTES = 192 * 1024 * 1024;
/** The same targets: in order, and side by side, which spreads the load over all three. */
const ALIASES = ['chain', 'replicas'] as const;
const FORMS: readonly Form[] = [
  { api: 'v1', stream: true },
  { api: 'v1', stream: false },
  { api: 'c1', stream: true },
  { api: 'c1', stream: false },
];

interface Run {
  readonly gateway: GatewayProcess;
  readonly targets: readonly ChaosTarget[];
  readonly outcomes: Record<Outcome, number>;
  readonly violations: string[];
  readonly attempts: Map<number, number>;
  readonly latencies: number[];
  /** Turns and how they ended. */
  readonly turns: Map<string, string>;
  readonly heartbeat: Heartbeat;
  isOver: boolean;
  marks: number;
}

export async function runChaos({ seconds, seed, clients }: ChaosOptions): Promise<ChaosResult> {
  const targets = ['one', 'two', 'three'].map(
    (name, at) => new ChaosTarget(name, createRandom(seed + at)),
  );
  await Promise.all(targets.map((target) => target.listen()));
  const directory = mkdtempSync(join(tmpdir(), 'gateway-chaos-'));
  const gateway = await spawnGateway({ yaml: configFor(targets), directory });
  const run: Run = {
    gateway,
    targets,
    outcomes: {
      answered: 0,
      'failed after the commit': 0,
      'nobody could have answered': 0,
      'the machine was late': 0,
    },
    violations: [],
    attempts: new Map(),
    latencies: [],
    turns: new Map(),
    heartbeat: new Heartbeat(),
    isOver: false,
    marks: 0,
  };
  try {
    const watching = watch(gateway);
    const upsetting = upset(targets, createRandom(seed + 17));
    const asking = Promise.all(
      Array.from({ length: clients }, (_, at) => runClient(run, createRandom(seed + 100 + at))),
    );
    await Bun.sleep(seconds * 1000);
    await upsetting.stop();
    run.isOver = true;
    await asking;
    await recovered(run);
    await watching.stop();
    await checkEnd(run, directory, watching.seen);
    return {
      ...run,
      faults: upsetting.counts,
      turns: run.turns.size,
      seen: watching.seen,
    };
  } finally {
    run.heartbeat.stop();
    await gateway.kill();
    await Promise.all(targets.map((target) => target.close()));
    rmSync(directory, { recursive: true, force: true });
  }
}

function configFor(targets: readonly ChaosTarget[]): string {
  const limits = `max_concurrent: ${MAX_CONCURRENT}, queue_ms: 5000`;
  const timeouts = `connect_ms: ${FIRST_BYTE_MS}, first_byte_ms: ${FIRST_BYTE_MS}, idle_ms: ${FIRST_BYTE_MS}`;
  return `
catalogue: replace
health: { probe_interval_ms: 500, probe_timeout_ms: 500 }
upstreams:
${targets.map(({ name, url }) => `  ${name}: { kind: openai, base_url: "${url}", ${limits}, timeouts: { ${timeouts} } }`).join('\n')}
models:
${ALIASES.map((alias) => `  ${alias}: { targets: [${targets.map(({ name }) => `{ upstream: ${name}, model: model-${name}${alias === 'replicas' ? ', weight: 1' : ''} }`).join(', ')}] }`).join('\n')}
`;
}

async function runClient(run: Run, random: Random): Promise<void> {
  let conversation: string | null = null;
  let length = 0;
  while (!run.isOver) {
    const form = random.pick(FORMS) ?? { api: 'v1', stream: true };
    const mark = `m${++run.marks}`;
    const model = random.pick(ALIASES) ?? 'chain';
    const id = await askOnce(run, { form, model, mark, conversation });
    if (form.api === 'v1') continue;
    conversation = id;
    if (++length % LONGEST === 0) conversation = null;
  }
}

/** Resolves to the conversation. */
async function askOnce(run: Run, request: Ask): Promise<string | null> {
  const { gateway, targets } = run;
  const startedAt = performance.now();
  try {
    const told = await ask(gateway, request);
    run.latencies.push(performance.now() - startedAt);
    const healthy = targets.find(
      ({ healthySince }) => healthySince !== null && healthySince <= startedAt,
    );
    const wasLate = run.heartbeat.wasLateSince(startedAt);
    const kept = told.turn === null ? null : await keptTurn(gateway, told.turn);
    if (told.turn !== null && kept) run.turns.set(told.turn, kept.status);
    const { outcome, violations } = judge({ ask: request, told, kept, healthy, wasLate, targets });
    run.outcomes[outcome]++;
    run.violations.push(...violations);
    run.attempts.set(told.attempts, (run.attempts.get(told.attempts) ?? 0) + 1);
    return told.conversation;
  } catch (error) {
    run.violations.push(`${request.mark}: ${String(error)}`);
    return null;
  } finally {
    for (const target of targets) target.forget(request.mark);
  }
}

/** Who is well again is found well by whoever asks, however long its circuit was to stay open. */
async function recovered(run: Run): Promise<void> {
  const { gateway, targets, violations } = run;
  for (const { name } of targets) {
    const body = { model: 'chain', message: `m${++run.marks}`, provider: name };
    const response = await gateway.request('/c1/chat', { body });
    const answer = await response.text();
    run.turns.set(response.headers.get('x-turn-id') ?? 'none', 'completed');
    if (!response.ok) violations.push(`${name} is healthy and does not answer: ${answer}`);
  }
  const backends = await backendsOf(gateway);
  if (backends.some(({ circuit }) => circuit !== 'closed'))
    violations.push(`all have answered, and a circuit is open: ${JSON.stringify(backends)}`);
}

/** Nothing is left of what ran. */
async function checkEnd(run: Run, directory: string, seen: Seen): Promise<void> {
  const { gateway, targets, turns, violations } = run;
  for (const { upstream, running, waiting } of await backendsOf(gateway))
    if (running + waiting > 0)
      violations.push(`${upstream} is left with ${running} running and ${waiting} waiting`);
  for (const { name, running } of targets)
    if (running > 0) violations.push(`${name} is left with ${running} open calls`);
  using db = new Database(join(directory, 'gateway.db'), { readonly: true });
  const rows = db.prepare<{ id: string; status: string }, []>('SELECT id, status FROM turn').all();
  if (rows.length !== turns.size)
    violations.push(`${rows.length} turns are stored, and ${turns.size} were told of`);
  for (const { id, status } of rows)
    if (turns.get(id) !== status) violations.push(`${id} was ${turns.get(id)} and is ${status}`);
  const settled = seen.memory[Math.floor(seen.memory.length / 5)] ?? 0;
  const growth = (seen.memory.at(-1) ?? 0) - settled;
  if (growth > MOST_GROWTH_BYTES) violations.push(`memory grew by ${growth} bytes`);
}
