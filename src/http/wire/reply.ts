// A reply as the handlers make it, and its head as bytes go out: plain, since what is native costs more to make and to
// collect than all the rest of a small request.
import { STATUS_CODES } from 'node:http';
import type { StreamBody } from '../../domain/stream-body.ts';

export interface Reply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: string | Uint8Array | StreamBody | null;
}

export function isStream(body: Reply['body']): body is StreamBody {
  return typeof body === 'object' && body !== null && 'begin' in body;
}

/** What must not be in a value: it would end the line, or cannot be sent in one byte. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** Header fields of a reply, names in small letters. */
export class ReplyHeaders {
  readonly #fields: string[] = [];

  constructor(fields: Readonly<Record<string, string>> = {}) {
    for (const name in fields) this.set(name, fields[name] ?? '');
  }

  get(name: string): string | null {
    for (let at = 0; at < this.#fields.length; at += 2)
      if (this.#fields[at] === name) return this.#fields[at + 1] ?? null;
    return null;
  }

  /** In place of what it was before. Throws TypeError for a value that no header can hold. */
  set(name: string, value: string): void {
    if (UNSENDABLE.test(value)) throw new TypeError(`the header ${name} cannot hold its value`);
    for (let at = 0; at < this.#fields.length; at += 2) {
      if (this.#fields[at] !== name) continue;
      this.#fields[at + 1] = value;
      return;
    }
    this.#fields.push(name, value);
  }

  toRecord(): Record<string, string> {
    const record: Record<string, string> = {};
    for (let at = 0; at < this.#fields.length; at += 2)
      record[this.#fields[at] ?? ''] = this.#fields[at + 1] ?? '';
    return record;
  }

  /** As they are sent, each with its line end. */
  lines(): string {
    let lines = '';
    for (let at = 0; at < this.#fields.length; at += 2)
      lines += `${this.#fields[at]}: ${this.#fields[at + 1]}\r\n`;
    return lines;
  }
}

/** The head up to what says how long the body is, which is the connection's business. */
export function headOf({ status, headers }: Reply): string {
  const first = status === 200 ? OK : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Other'}\r\n`;
  return `${first}${headers.lines()}date: ${dateNow()}\r\n`;
}

const OK = 'HTTP/1.1 200 OK\r\n';

let dateText = '';
let dateSecond = -1;

/** The same text for all replies of one second. */
function dateNow(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(now).toUTCString();
  }
  return dateText;
}
