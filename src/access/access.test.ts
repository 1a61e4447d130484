import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { GatewayError } from '../domain/errors.ts';
import { createAuthenticate } from './credentials.ts';
import { createRateLimit } from './rate-limit.ts';
import { readOrCreateToken } from './token-file.ts';

function outcomeOf(headers: Record<string, string>): string {
  try {
    return createAuthenticate(['secret-1', 'secret-2'])(new Headers(headers)).owner.slice(0, 8);
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
}

describe('credentials', () => {
  test('are the same person in either header', () => {
    expect(outcomeOf({ authorization: 'Bearer secret-1' })).toBe(
      outcomeOf({ 'x-api-key': 'secret-1' }),
    );
    expect(outcomeOf({ authorization: 'bearer   secret-1' })).toBe(
      outcomeOf({ 'x-api-key': 'secret-1' }),
    );
    expect(outcomeOf({ 'x-api-key': 'secret-2' })).not.toBe(outcomeOf({ 'x-api-key': 'secret-1' }));
  });

  test('that are missing or wrong say which', () => {
    expect(outcomeOf({})).toBe('missing_authorization');
    expect(outcomeOf({ 'x-api-key': '' })).toBe('missing_authorization');
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Basic c2VjcmV0',
      'secret-1',
      'Bearer a, Bearer b',
    ]) {
      expect(outcomeOf({ authorization })).toBe('invalid_authorization');
    }
    expect(outcomeOf({ 'x-api-key': 'secret-12' })).toBe('invalid_authorization');
  });

  test('in x-api-key do not rescue a wrong Authorization header', () => {
    expect(outcomeOf({ authorization: 'Bearer wrong', 'x-api-key': 'secret-1' })).toBe(
      'invalid_authorization',
    );
  });
});

describe('the rate limit', () => {
  test('lets through at most burst + rate x time requests in any run, and no fewer when asked often enough', () => {
    const gaps = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (times, perSecond, burst) => {
          let now = 1_000;
          const limit = createRateLimit({ perSecond, burst, clock: { elapsed: () => now } });
          let allowed = 0;
          for (const gap of times) {
            now += gap;
            const decision = limit.take('a');
            if (decision.allowed) allowed++;
            else expect(decision.retryAfterMs).toBeGreaterThan(0);
            expect(decision.remaining).toBeGreaterThanOrEqual(0);
            expect(decision.remaining).toBeLessThanOrEqual(burst);
          }
          expect(allowed).toBeLessThanOrEqual(burst + ((now - 1_000) / 1000) * perSecond + 1e-6);
          expect(allowed).toBeGreaterThanOrEqual(Math.min(times.length, burst));
        },
      ),
    );
  });

  test('allows the next request after retryAfterMs, and not before', () => {
    let now = 0;
    const limit = createRateLimit({ perSecond: 3, burst: 1, clock: { elapsed: () => now } });
    expect(limit.take('a').allowed).toBe(true);
    const { retryAfterMs } = limit.take('a');
    now += retryAfterMs - 1;
    expect(limit.take('a').allowed).toBe(false);
    now += 1;
    expect(limit.take('a').allowed).toBe(true);
  });

  test('keeps owners apart', () => {
    const limit = createRateLimit({ perSecond: 1, burst: 1, clock: { elapsed: () => 0 } });
    expect([limit.take('a').allowed, limit.take('b').allowed, limit.take('a').allowed]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('the token file', () => {
  test('is made once, readable by its owner alone, and kept', () => {
    const directory = mkdtempSync(join(tmpdir(), 'token-'));
    try {
      const first = readOrCreateToken(join(directory, 'data'));
      const second = readOrCreateToken(join(directory, 'data'));
      expect([first.created, second.created]).toEqual([true, false]);
      expect(second.token).toBe(first.token);
      expect(statSync(first.path).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
