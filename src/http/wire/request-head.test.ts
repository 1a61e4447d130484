import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { checkBeginning, parseHead } from './request-head.ts';

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
const value = fc.stringMatching(/^[!-~](?:[ -~]{0,30}[!-~])?$/);
/** Names that say how long the body is, or who is asked: those have rules of their own. */
const MEANINGFUL = new Set(['host', 'content-length', 'transfer-encoding', 'connection']);

describe('a request head', () => {
  test('is read as it was written, whatever its headers', () => {
    const fields = fc.array(
      fc.tuple(
        token.filter((name) => !MEANINGFUL.has(name)),
        value,
      ),
    );
    fc.assert(
      fc.property(fields, (written) => {
        const lines = written.map(([name, text]) => `\r\n${name.toUpperCase()}: \t${text} `);
        const { headers } = parseHead(`GET /x?y=1 HTTP/1.1\r\nHost: h:1${lines.join('')}`);
        expect([...headers]).toEqual([['host', 'h:1'], ...written]);
        for (const [name] of written) {
          const all = written.filter(([other]) => other === name).map(([, text]) => text);
          expect(headers.get(name)).toBe(all.join(', '));
        }
        expect(headers.get('x-none-such')).toBeNull();
      }),
    );
  });

  test('with a byte changed is the same, another head, or refused; never a fault of ours', () => {
    const whole = 'POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\nx-a: b';
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, code) => {
        const text = whole.slice(0, at) + String.fromCharCode(code) + whole.slice(at + 1);
        try {
          const { framing, method } = parseHead(text);
          expect(typeof framing).toBe('number');
          expect(method).toMatch(/^[A-Z]+$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_field', status: 400 });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('tells what it says of body and connection', () => {
    const read = (headers: string, version = '1.1') => {
      const head = parseHead(`GET / HTTP/${version}\r\nhost: x${headers}`);
      return [head.framing, head.isKept, head.takesChunks];
    };
    expect(read('')).toEqual([0, true, true]);
    expect(read('\r\nContent-Length: 17')).toEqual([17, true, true]);
    expect(read('\r\nTransfer-Encoding: Chunked')).toEqual(['chunked', true, true]);
    expect(read('\r\nconnection: keep-alive, Close')).toEqual([0, false, true]);
    expect(read('', '1.0')).toEqual([0, false, false]);
  });

  test('gives the path of a target, whatever host stands before it', () => {
    const target = (text: string) => parseHead(`GET ${text} HTTP/1.1\r\nhost: x`).target;
    expect(target('/a?b#c')).toBe('/a?b#c');
    expect(target('http://evil:1/a?b')).toBe('/a?b');
    expect(target('HTTPS://evil')).toBe('/');
    expect(target('http://evil?q')).toBe('/?q');
  });
});

describe('the beginning of a head', () => {
  test('is let pass wherever a good head is cut', () => {
    const head = 'GET / HTTP/1.1\r\nhost: x\r\nx-a: b\r\n\r\n';
    for (let at = 0; at <= head.length; at++) checkBeginning(head.slice(0, at));
  });

  test.each(['\u0016\u0003\u0001', 'GET / HTTP/1.1\nhost: x', 'GET /\rx', '\r\n', 'GET /\0'])(
    'that can be none is refused at once: %j',
    (text) => {
      expect(() => checkBeginning(text)).toThrow('not one that HTTP/1.1 knows');
    },
  );
});
