import { expect, test } from 'bun:test';
import { pino } from 'pino';
import { logTo, requestLines, type LogLevel } from './log.ts';
import { requestFields } from './request-line.ts';
import type { RequestRecord } from './request-record.ts';

const PLAIN: RequestRecord = {
  requestId: 'req_1',
  method: 'GET',
  path: '/v1/models',
  startedAt: 0,
  status: 200,
  stream: false,
};

function linesAt(level: LogLevel) {
  const written: string[] = [];
  const logger = logTo({ write: (line) => written.push(line) }, level);
  return { written, logger, lines: requestLines(logger) };
}

/** Without the time, which goes on between two lines. */
function timeless(line: string | undefined): string | undefined {
  return line?.replace(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, '"time":""');
}

test('a line is byte for byte the one that pino writes of the same members', () => {
  const { written, logger, lines } = linesAt('info');
  const fields = requestFields(
    {
      ...PLAIN,
      method: 'PO"ST',
      path: '/é\u0001\\"\u2028\ud83d\ude00/' + 'a'.repeat(60),
      stream: true,
      alias: 'naïve "model"\n'.repeat(30),
      upstream: 'spark',
      attempts: 2,
      askedAt: 1,
      answeredAt: 3.25,
      usage: { promptTokens: 14, completionTokens: null, cachedTokens: 0 },
      conversationId: 'conv_1',
      turnId: 'turn_1',
      errorCode: 'upstream_timeout',
    },
    12.345,
  );
  lines.info(fields, 'request');
  lines.warn(fields, 'request refused');
  logger.info(JSON.parse(`{${fields}}`), 'request');
  logger.warn(JSON.parse(`{${fields}}`), 'request refused');
  const [info, warn, ofPino, warnOfPino] = written.map(timeless);
  expect(info).toBe(ofPino ?? '');
  expect(warn).toBe(warnOfPino ?? '');
});

test('what is not known of a request is not in its line', () => {
  expect(requestFields(PLAIN, 3)).toBe(
    '"request_id":"req_1","method":"GET","path":"/v1/models","status":200,"duration_ms":3',
  );
});

test('a client that left is told as 499', () => {
  expect(requestFields({ ...PLAIN, clientGone: true }, 3)).toContain('"status":499');
});

test('a line below the level of the log is not written, also when the level changes', () => {
  const { written, logger, lines } = linesAt('warn');
  lines.info('"a":1', 'request');
  expect(written).toEqual([]);
  lines.warn('"a":1', 'request refused');
  logger.level = 'silent';
  lines.warn('"a":2', 'request refused');
  logger.level = 'info';
  lines.info('"a":3', 'request');
  expect(written.map((line) => JSON.parse(line).a)).toEqual([1, 3]);
});

test('the levels have the numbers that pino gives them', () => {
  const { written, lines } = linesAt('info');
  lines.info('"a":1', 'request');
  lines.warn('"a":1', 'request refused');
  const { info, warn } = pino.levels.values;
  expect(written.map((line) => JSON.parse(line).level)).toEqual([info, warn]);
});
