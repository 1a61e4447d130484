// The writer's thread: the only place of this process that writes to the database, so that the event loop never
// waits for a disk. It holds no decisions; they are in ledger.ts.
import { describeFailure } from './failure.ts';
import { Ledger } from './ledger.ts';
import { unpacked } from './thread-message.ts';
import type { FromWriter, LedgerOptions, ToWriter } from './writer-protocol.ts';

declare const self: Worker;

let ledger: Ledger | undefined;

self.addEventListener('message', ({ data }: MessageEvent<ToWriter | string>) => {
  // No answer holds bytes.
  const text = JSON.stringify(answer(unpacked(data)));
  // oxlint-disable-next-line require-post-message-target-origin -- a thread has no origin
  self.postMessage(text);
});

function answer(message: ToWriter): FromWriter {
  switch (message.type) {
    case 'open':
      return open(message.options);
    case 'batch':
      if (ledger === undefined) throw new Error('a batch came before the database was open');
      return { type: 'done', result: ledger.run(message.batch) };
    case 'close':
      ledger?.close();
      return { type: 'closed' };
    default:
      throw new Error('the writer was sent something it does not know');
  }
}

function open(options: LedgerOptions): FromWriter {
  try {
    ledger = new Ledger(options);
    return { type: 'ready' };
  } catch (error) {
    return { type: 'refused', failure: describeFailure(error) };
  }
}
