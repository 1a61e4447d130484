// Runs one trial and prints what came of it as one line of JSON; main.ts starts it where there is no network.
import { TRIALS } from './catalogue.ts';

const trial = TRIALS.find(({ name }) => name === process.argv[2]);
if (!trial) throw new Error('Run this with `npm run test:clients`.');
process.stdout.write(`${JSON.stringify(await trial.run())}\n`);
process.exit(0);
