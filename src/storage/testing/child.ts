// A second gateway for the tests of several processes: opens the store of the path given, does what it is told, and
// says each thing on a line of its own once the store has acknowledged it.
import { answerTo, ending, firstTurn, nextTurn } from '../../conversations/contract/samples.ts';
import type { AcceptTurn } from '../../conversations/store.ts';
import { openSqliteStore } from '../sqlite.ts';

const [path = '', task = '', argument = 'null'] = process.argv.slice(2);
const store = await openSqliteStore({ path, durability: 'full' });
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const TASKS: Readonly<Record<string, (argument: unknown) => Promise<void>>> = {
  /** Turn after turn, until it is killed. */
  converse: async () => {
    let turn = firstTurn({ owner: 'child', userId: null });
    for (;;) {
      await store.accept(turn);
      say({ accepted: turn.turnId });
      const { turnId } = turn;
      await store.append([0, 1].map((seq) => ({ turnId, seq, payload: 'frame' })));
      say({ appended: turnId });
      const output = answerTo(turn);
      await store.finish(ending(turn, { output }));
      say({ finished: turnId });
      turn = nextTurn(turn, output);
    }
  },
  /** Accepts the given turn, then holds it. */
  hold: async (turn) => {
    say(await store.accept(turn as AcceptTurn));
    await Promise.withResolvers<void>().promise;
  },
  /** Accepts all the given turns at once, when a byte comes in. */
  race: async (turns) => {
    say('ready');
    for await (const _ of process.stdin) break;
    say(await Promise.all((turns as AcceptTurn[]).map((turn) => store.accept(turn))));
    await Promise.withResolvers<void>().promise;
  },
};

await TASKS[task]?.(JSON.parse(argument));
