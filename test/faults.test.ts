// The table of faults: what can go wrong, and which test shows what happens then. Those of upstreams (U) have a table
// of their own in test/upstream-faults. A row without a test, or whose test has another name by now, fails here.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';

interface Row {
  readonly fault: string;
  /** By file, below test/ or src/: the names of its tests as they are written there. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

const CLIENTS = 'test/client-faults/client-faults.test.ts';
const PROCESS = 'test/process-faults/process-faults.test.ts';

const TABLE: Readonly<Record<string, Row>> = {
  C1: {
    fault: 'the client leaves before the first byte',
    tests: {
      'test/v1-abort.test.ts': [
        "'before the upstream has sent its head':",
        "closes the upstream's connection at once",
        'is logged as gone, with status 499 and no error',
      ],
      'test/c1-leaving.test.ts': [
        'on_disconnect cancel before the first token leaves nothing behind but the conversation',
      ],
    },
  },
  C2: {
    fault: 'the client leaves in mid-stream',
    tests: {
      'test/v1-abort.test.ts': [
        "'in the middle of a stream':",
        '200 times in mid-stream leaves no connection to the upstream and no work behind',
      ],
      'test/c1-leaving.test.ts': [
        'the turn goes on: the answer is there afterwards and goes into the next prompt',
        'on_disconnect cancel ends the turn and its upstream call; what was seen is kept',
      ],
    },
  },
  C3: {
    fault: 'the client reads slowly, or not at all',
    tests: {
      [CLIENTS]: [
        'C3: a client that does not read',
        'and leaves meanwhile gives its place at the upstream back',
        'for less than that gets all of its stream',
      ],
      'test/v1-abort.test.ts': [
        'holds the upstream back: little of a big stream is sent, and all of it once it reads',
      ],
      'test/c1-ledger-walls.test.ts': [
        'followers that never read delay nobody, and are not buffered for',
      ],
    },
  },
  C4: {
    fault: 'the network of the client is gone',
    tests: { [CLIENTS]: ['C4: a client whose network is gone'] },
  },
  C5: {
    fault: 'a body beyond the limit',
    tests: {
      'test/bad-input.test.ts': [
        'a body over the limit, by its length or while it comes, and the process serves on',
      ],
      'test/connections.test.ts': [
        'of a client that sends all before it reads, leaves it its 401 or 413',
      ],
    },
  },
  C6: {
    fault: 'JSON that nests deeply',
    tests: {
      'test/bad-input.test.ts': ["'65 levels'", "'100,000 levels'", '%s as invalid_json'],
      'test/odd-input.test.ts': ['takes 64 levels of nesting'],
    },
  },
  C7: {
    fault: 'bytes that are no UTF-8, lone surrogates, NULs',
    tests: {
      'test/bad-input.test.ts': ['what is not UTF-8: %s'],
      'test/odd-input.test.ts': [
        '/c1 keeps NULs, lone surrogates and marks of its own in a message apart, and says them again',
      ],
    },
  },
  C8: {
    fault: 'a key that comes twice',
    tests: {
      'test/bad-input.test.ts': ["'a key twice'", "'a key twice, once in escapes'"],
      'test/c1-requests.test.ts': ['a key that comes twice is refused'],
    },
  },
  C9: {
    fault: 'integers beyond 2^53 and other odd numbers',
    tests: {
      'test/v1-relay.test.ts': [
        'arrives with unknown fields, order, spacing, large integers and escapes as they were, but for the model',
      ],
      'test/bad-input.test.ts': ['a number too large for any type as a token limit'],
    },
  },
  C10: {
    fault: 'requests with two readings',
    tests: {
      'test/hostile-requests.test.ts': [
        'a request with %s',
        'what follows a request with two readings is not served as a request of its own',
        'an absolute-form target is answered as its path is, and leads to no other host',
      ],
    },
  },
  C11: {
    fault: 'slowloris, in headers and bodies',
    tests: {
      'test/connections.test.ts': [
        'clients that stop in mid-request are hung up on, and nobody else notices',
      ],
    },
  },
  C12: {
    fault: 'thousands of idle connections',
    tests: { [CLIENTS]: ['C12: clients that keep their connections'] },
  },
  C13: {
    fault: 'pipelined requests, and Expect: 100-continue',
    tests: {
      'test/connections.test.ts': [
        'requests that come at once are answered in their order',
        'is told to go on, and then answered',
        'without a token or beyond the limit gets its refusal without the body being sent',
      ],
    },
  },
  C14: {
    fault: 'a repeated idempotency key',
    tests: {
      'test/c1-idempotency.test.ts': [
        'is answered after the end with the same bytes, and nobody is asked again',
        'fifty times at once is one turn, one upstream call and fifty equal replies',
        'that came with another body is refused with 422, and nobody is asked',
        'after a restart, completed or failed',
      ],
    },
  },
  C15: {
    fault: 'two messages to one conversation at once',
    tests: {
      'test/c1-faults.test.ts': ['takes one of 50 at a time, and nothing interleaves'],
      'test/c1-ledger.test.ts': [
        'a conversation has one active turn, whoever asks it when and through which gateway',
      ],
    },
  },
  C16: {
    fault: 'a browser that is closed, or reloads, in mid-stream',
    tests: {
      'test/c1-resume.test.ts': [
        'that runs come with what was missed, then live, to any number of followers',
      ],
      'test/c1-ledger.test.ts': [
        'what was seen and what resuming brings are the uninterrupted stream, for every cut',
      ],
    },
  },
  P1: {
    fault: 'SIGTERM',
    tests: {
      [PROCESS]: ['P1: a rolling restart under load'],
      'test/drain.test.ts': [
        'a stream goes on to its end, while new requests are sent elsewhere, and then the process ends',
        'what is left of %s at the end of drain_ms is told so, without [DONE]',
        'a second signal ends the process at once',
      ],
    },
  },
  P2: {
    fault: 'more than fits into memory',
    tests: {
      'test/overload.test.ts': [
        'more requests than may be in flight are refused, until one has ended',
        'are counted until their requests end, and refused beyond the limit',
        'are counted as they come where nobody has said how long they will be',
      ],
    },
  },
  P3: {
    fault: 'an event loop that is blocked',
    tests: {
      'test/overload.test.ts': [
        'a loop that is late again and again refuses new work, and takes it when it is in time',
        'one piece of work that keeps all others waiting is told of and counted, and refuses nobody',
      ],
    },
  },
  P4: {
    fault: 'a wall clock that jumps',
    tests: {
      'test/process-faults/clock-jumps.test.ts': [
        'P4: a clock that jumps %s ends no stream and no turn, and fires no limit',
        'P4: a clock that jumps %s gives nobody a budget, and takes none',
        'P4: a clock that jumps %s makes ids that are unique and in order',
        'P4: a conversation goes on over a clock that was set back, in the order of its turns',
      ],
    },
  },
  P5: {
    fault: 'no file descriptor left',
    tests: { [PROCESS]: ['P5: a process without a free file descriptor'] },
  },
  P6: {
    fault: 'errors that nobody catches',
    tests: {
      [PROCESS]: ['P6: an error that nobody catches'],
      'test/errors.test.ts': ['internal_error: { provoke: faultyApp }'],
    },
  },
  P7: {
    fault: 'a configuration that is read anew, good or bad',
    tests: {
      'test/reload.test.ts': [
        'changes nothing, and every problem in it is told',
        'fails no request under load, of either API, however often it is read',
        'lets running answers end where they began, though nothing of that is configured any more',
      ],
    },
  },
  P8: {
    fault: 'a sink of logs, metrics or traces that is slow or gone',
    tests: {
      [PROCESS]: ['P8: a log that nobody reads'],
      'test/traces-faults.test.ts': [
        'a collector that is down costs no request, and gets its spans when it is back',
        'a collector that never answers costs no request, and the end of the gateway is held up only for seconds',
      ],
    },
  },
  P9: {
    fault: 'a storm of retries',
    tests: {
      'test/process-faults/retry-storm.test.ts': [
        'P9: an upstream that fails every request is asked little more than once for each',
      ],
      'src/routing/circuit-breaker.test.ts': [
        'lets one trial a second through at the most, until one of them is answered',
      ],
    },
  },
};

const COUNTS = { C: 16, P: 9 };

test('every fault of clients and of the process has its row', () => {
  const ids = Object.entries(COUNTS).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, at) => `${kind}${at + 1}`),
  );
  expect(Object.keys(TABLE)).toEqual(ids);
});

test.each(Object.entries(TABLE).map(([id, row]) => [id, row.fault, row] as const))(
  '%s, %s, has tests of these names',
  (_, __, { tests }) => {
    const missing = Object.entries(tests).flatMap(([file, names]) => {
      const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
      return names.filter((name) => !source.includes(name)).map((name) => `${file}: ${name}`);
    });
    expect(missing).toEqual([]);
  },
);
