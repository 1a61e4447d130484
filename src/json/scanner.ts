// Whether bytes are sound JSON, and where in them what is, without parsing them: by WebAssembly that looks at sixteen
// bytes at once (scanner.wat). JSON.parse costs five times as much, because it makes values that nobody looks at.
import { SCANNER_CODE } from './scanner-code.ts';

/** What an entry of the tape is; 4 to 6 are numbers, true and false, 8 keys. */
export const OBJECT = 1;
export const ARRAY = 2;
export const STRING = 3;
export const NULL = 7;
/** A flag beside the kind: a string or a key in which something is escaped. */
export const ESCAPED = 0x10;
/** Another: a data URI, and after its first comma comes nothing but base64. */
export const BASE64 = 0x20;

/** Numbers of an entry: its kind, the offsets of its start and its end, the entry that follows all that is in it. */
export const ENTRY = 4;

/** What the WebAssembly knows as its own numbers. */
const WINDOW_AT = 0x10;
const WINDOW_BYTES = 256 * 1024;
const TAPE_AT = 0x50000;

interface Machine {
  readonly window: Uint8Array;
  readonly tape: Int32Array;
  begin(): void;
  /** Reads so many bytes of the window. How many it is done with, or -1. */
  scan(end: number, isLast: number): number;
  /** How many entries there are, or -1. */
  finish(): number;
}

/** undefined before the first use, null where the processor cannot. */
let machine: Machine | null | undefined;

/**
 * Of parts that are not empty, the tape of one JSON object: an entry for it and for every key and value down to the
 * sixth level below it, in their order. null for what is no JSON object, nests deeper than MAX_JSON_DEPTH, or has too many parts for the tape.
 */
export function scan(parts: readonly Uint8Array[]): Int32Array | null {
  machine ??= machine === undefined ? start() : null;
  if (!machine) return null;
  const { tape } = machine;
  if (!readAll(parts, machine)) return null;
  const entries = machine.finish();
  return entries > 0 && tape[0] === OBJECT ? tape.slice(0, ENTRY * entries) : null;
}

function readAll(parts: readonly Uint8Array[], { window, begin, scan }: Machine): boolean {
  begin();
  let held = 0;
  for (const [index, part] of parts.entries()) {
    for (let from = 0; from < part.length;) {
      const to = Math.min(part.length, from + WINDOW_BYTES - held);
      // One number that fills the window.
      if (to === from) return false;
      window.set(part.subarray(from, to), held);
      const end = held + to - from;
      const isLast = index === parts.length - 1 && to === part.length;
      const read = scan(end, Number(isLast));
      if (read < 0) return false;
      window.copyWithin(0, read, end);
      held = end - read;
      from = to;
    }
  }
  return held === 0;
}

function start(): Machine | null {
  try {
    const module = new WebAssembly.Module(Uint8Array.fromBase64(SCANNER_CODE));
    const { memory, ...functions } = new WebAssembly.Instance(module).exports;
    const { buffer } = memory as WebAssembly.Memory;
    return {
      ...(functions as unknown as Pick<Machine, 'begin' | 'scan' | 'finish'>),
      window: new Uint8Array(buffer, WINDOW_AT, WINDOW_BYTES),
      tape: new Int32Array(buffer, TAPE_AT),
    };
  } catch (error) {
    // Without vectors, or without a compiler: then everything is parsed.
    if (error instanceof WebAssembly.CompileError) return null;
    throw error;
  }
}
