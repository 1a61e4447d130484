// Identifiers: a prefix that names the kind, then 32 hex digits of a UUIDv7, so that ids sort by creation time
// and a listing needs no second column to break ties.

type IdPrefix = 'req' | 'chatcmpl-' | 'call' | 'conv' | 'turn' | 'node' | 'epoch' | 'inst';

/** Ids of one millisecond that are in order for sure: a UUIDv7 has a counter of 12 bits, which begins anywhere below half. */
const IDS_PER_MS = 1024;

/** The time of the newest id: a wall clock that is set back must not make ids that sort before those that exist. */
let newest = 0;
let ofNewest = 0;

function timeOfNext(): number {
  const now = Date.now();
  if (now > newest || ++ofNewest === IDS_PER_MS) {
    newest = Math.max(now, newest + 1);
    ofNewest = 0;
  }
  return newest;
}

/** A fresh id such as `conv_0199e1…`; unique across processes, ordered by time within one. */
export function newId(prefix: IdPrefix): string {
  const separator = prefix.endsWith('-') ? '' : '_';
  const uuid = Bun.randomUUIDv7('hex', timeOfNext());
  const id = `${prefix}${separator}${uuid.replaceAll('-', '')}`;
  if (prefix === 'req') newestRequest = { id, uuid };
  return id;
}

/** Nearly always the one that is asked for next. */
let newestRequest = { id: '', uuid: '' };

const OURS = /^req_[0-9a-f]{32}$/;

/**
 * A request's id as upstreams are told of it. Some (llama-cpp-python, by way of starlette-context) refuse an
 * x-request-id that is no UUID: so an id of ours goes out in that form. A client's own goes out as it is.
 */
export function upstreamRequestId(requestId: string): string {
  if (requestId === newestRequest.id) return newestRequest.uuid;
  if (!OURS.test(requestId)) return requestId;
  const digits = (from: number, to: number) => requestId.slice(4 + from, 4 + to);
  return `${digits(0, 8)}-${digits(8, 12)}-${digits(12, 16)}-${digits(16, 20)}-${digits(20, 32)}`;
}

/** A client's own x-request-id, if it is one that is safe to log and to send on; undefined otherwise. */
export function saneRequestId(value: string | null): string | undefined {
  return value !== null && /^[\w.:-]{1,128}$/.test(value) ? value : undefined;
}
