// What looks JSON over, where random cases (test/fuzz/json.ts) come by seldom: windows, limits, the code itself.
import { describe, expect, test } from 'bun:test';
import { compiledScanner } from '../../scripts/write-scanner.ts';
import { lookOver } from './document.ts';
import { outlineOf } from './outline.ts';
import { SCANNER_CODE } from './scanner-code.ts';

const WINDOW = 256 * 1024;
const outline = (text: string) => outlineOf([Buffer.from(text)]);

test('the code is what its source comes to', async () => {
  expect(SCANNER_CODE).toBe(await compiledScanner());
});

describe('a text longer than the window', () => {
  // One after another, what is at the window's end is each byte of this.
  const END = String.raw`\\\"é\u00e9\n","b":-1.5e+10,"c":[true,false,null],"d":"data:image/png;base64,AAAA","e":{}}`;

  test('has the outline of a short one, wherever the window ends in it', () => {
    for (let over = 0; over < Buffer.byteLength(END); over++) {
      const text = `{"a":"${'x'.repeat(WINDOW - 6 - over)}${END}`;
      const members = outline(text)?.members ?? [];
      expect(members.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(members.at(-1)?.valueEnd).toBe(Buffer.byteLength(text) - 1);
    }
  });

  test('may be a photograph, in any number of parts, whose base64 is seen to its last character', () => {
    const uri = (data: string) => Buffer.from(`{"a":"data:image/png;base64,${data}"}`);
    const data = 'abc/'.repeat(WINDOW);
    for (const [text, isBase64] of [
      [data, true],
      [`${data}ab==`, true],
      [`${data}abc=`, true],
      [`${data}a===`, false],
      [`${data}=bcd`, false],
      [`${data}abc-`, false],
      [`${data}abcé`, false],
      [`${data}\\n`, false],
    ] as const) {
      const bytes = uri(text);
      const parts = [0, 1, 2, 3, 4].map((part) =>
        bytes.subarray((part * bytes.length) / 5, ((part + 1) * bytes.length) / 5),
      );
      expect(outlineOf(parts)?.isBase64(2)).toBe(isBase64);
    }
  });

  test('is refused for a control character anywhere in it', () => {
    for (const at of [0, 1, 15, 16, WINDOW - 7, WINDOW - 6, WINDOW, WINDOW + 40]) {
      const text = `{"a":"${'x'.repeat(at)}\n${'x'.repeat(50)}"}`;
      expect(outline(text)).toBeNull();
      expect(() => lookOver([Buffer.from(text)])).toThrow('not well-formed JSON');
    }
  });

  test('may have a number that fills the window, which is parsed', () => {
    const text = `{"a":${'1'.repeat(2 * WINDOW)}}`;
    expect(outline(text)).toBeNull();
    expect(lookOver([Buffer.from(text)]).members).toHaveLength(1);
  });
});

describe('what has no outline is parsed', () => {
  test('more values than the tape holds', () => {
    const text = `{"a":[${'1,'.repeat(40_000)}1]}`;
    expect(outline(text)).toBeNull();
    expect(lookOver([Buffer.from(text)]).value['a']).toHaveLength(40_001);
  });

  test('values below the sixth level do not count', () => {
    const text = `{"a":${'['.repeat(6)}${'1,'.repeat(40_000)}1${']'.repeat(6)}}`;
    expect(outline(text)?.members).toHaveLength(1);
  });

  test('an escaped key', () => {
    expect(outline(String.raw`{"m\u006fdel":"a"}`)).toBeNull();
    expect(lookOver([Buffer.from(String.raw`{"m\u006fdel":"a"}`)]).value).toEqual({ model: 'a' });
  });
});

test('depth 64 has an outline and depth 65 is refused', () => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
  expect(outline(nested(64))?.members).toHaveLength(1);
  expect(outline(nested(65))).toBeNull();
  expect(() => lookOver([Buffer.from(nested(65))])).toThrow('nests deeper than 64');
});

test('bytes that are no UTF-8 are refused, in one part or in two', () => {
  const sound = Buffer.from('{"a":"東京"}');
  for (let at = 6; at < sound.length - 2; at++) {
    const broken = Buffer.from(sound);
    broken[at] = 0xff;
    for (const cut of [0, 7, at, at + 1]) {
      const parts = (bytes: Buffer) => [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(outlineOf(parts(sound))?.members).toHaveLength(1);
      expect(() => lookOver(parts(broken))).toThrow('not valid UTF-8');
    }
  }
});
