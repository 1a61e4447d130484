// What a client of /v1 has to see of an upstream's event stream, worked out by another parser (eventsource-parser) and
// the plainest reading of the rules: the choices that came before a fault, in order, and how it ended.
import { createParser } from 'eventsource-parser';
import { MAX_JSON_DEPTH } from '../../src/domain/limits.ts';

export interface Seen {
  /** The `choices` of each chunk that has any. */
  readonly choices: readonly (readonly object[])[];
  /** null where the answer is complete, else what may be told. */
  readonly errors: readonly string[] | null;
  /** The fault is found only when a batch is shown: what arrived together with it may go down with it. */
  readonly mayLack?: boolean;
}

interface Choice {
  readonly index?: number;
  readonly finish_reason?: string | null;
}

export function expectedOf(bytes: Uint8Array): Seen {
  const choices: (readonly object[])[] = [];
  const [open, finished] = [new Set<number>(), new Set<number>()];
  const end = (errors: readonly string[] | null): Seen => ({ choices, errors });
  for (const { data, type } of eventsIn(bytes)) {
    if (data === '[DONE]')
      return end(open.size === 0 && finished.size > 0 ? null : ['upstream_interrupted']);
    if (data === '') continue;
    if (type === 'error') return end(UPSTREAM_ERRORS);
    const chunk = parsed(data);
    if (chunk === null) return end(['upstream_protocol_error']);
    if (isTooDeep(chunk)) return { ...end(['upstream_protocol_error']), mayLack: true };
    if (chunk['error'] !== undefined && chunk['error'] !== null) return end(UPSTREAM_ERRORS);
    const told = chunk['choices'] ?? [];
    if (!Array.isArray(told) || chunk['choices'] === null) return end(['upstream_protocol_error']);
    if (told.length === 0) continue;
    // A choice of a chunk has a delta: SDKs want one.
    choices.push(
      told.map((choice) =>
        'delta' in choice || 'message' in choice ? choice : { ...choice, delta: {} },
      ),
    );
    for (const { index = 0, finish_reason } of told as Choice[]) {
      if (finish_reason) {
        open.delete(index);
        finished.add(index);
      } else if (!finished.has(index)) {
        open.add(index);
      }
    }
  }
  return end(open.size === 0 && finished.size > 0 ? null : ['upstream_interrupted']);
}

/** Where the alias has to be put in, the text is scanned, and that has a floor. */
function isTooDeep(chunk: Record<string, unknown>): boolean {
  return chunk['model'] !== undefined && depthOf(chunk) > MAX_JSON_DEPTH;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** Whatever an engine calls its fault. */
const UPSTREAM_ERRORS = [
  'upstream_interrupted',
  'upstream_rejected',
  'upstream_unavailable',
  'upstream_protocol_error',
  'upstream_rate_limited',
  'upstream_auth_failed',
  'upstream_timeout',
  'context_length_exceeded',
];

function eventsIn(bytes: Uint8Array): { data: string; type: string | undefined }[] {
  const events: { data: string; type: string | undefined }[] = [];
  const parser = createParser({
    onEvent: ({ data, event }) => events.push({ data, type: event }),
  });
  const text = new TextDecoder().decode(bytes);
  // That parser waits for what may follow a CR; nothing does.
  parser.feed(text.endsWith('\r') ? `${text}\n` : text);
  return events;
}

function parsed(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
