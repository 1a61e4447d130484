// One line of an exported conversation: what each kind of line holds, and whether a line is one.
// What follows from other lines (a node's depth, a turn's conversation) is not written, so that it cannot be wrong.
import { z } from 'zod';
import { ERROR_CATALOGUE } from '../domain/error-catalogue.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { BLOB_MARK } from './blob.ts';

/** Counts up whenever a gateway that knows only the version before would misread the file. */
export const ARCHIVE_VERSION = 1;

const when = z.int().min(0);
const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in hexadecimal');
const id = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}_[0-9a-f]{32}$`), `is no id of the kind ${prefix}_…`);
const node = id('node');
const epoch = id('epoch');

/** Goes upstream, or is replayed, as it stands: so it is not only a string that says it is JSON. */
const jsonText = z.string().refine((text) => isJson(text), 'is not JSON text');
const wire = z
  .string()
  .refine((text) => text.isWellFormed(), 'has half a surrogate pair')
  .refine((text) => isMessage(text.replaceAll(BLOB_MARK, '')), 'is not the JSON text of a message');

const conversationLine = z.strictObject({
  type: z.literal('conversation'),
  version: z.literal(
    ARCHIVE_VERSION,
    `must be ${ARCHIVE_VERSION}, the only one that is known here`,
  ),
  id: id('conv'),
  userId: z.string().nullable(),
  title: z.string().nullable(),
  head: node.nullable(),
  epoch,
  rev: z.int().min(1),
  // Not a z.record, which loses a member named __proto__.
  metadata: z
    .custom<Readonly<Record<string, string>>>(isStrings, 'must be an object of strings')
    .meta({ type: 'object', additionalProperties: { type: 'string' } }),
  createdAt: when,
  lastUsedAt: when,
});

const epochLine = z.strictObject({
  type: z.literal('epoch'),
  id: epoch,
  ordinal: count,
  profile: z.strictObject({
    model: z.string(),
    system: jsonText.nullable(),
    tools: jsonText.nullable(),
    toolChoice: jsonText.nullable(),
    responseFormat: jsonText.nullable(),
    since: node.optional(),
  }),
  reason: z.enum([
    'first',
    'model',
    'system',
    'tools',
    'tool_choice',
    'response_format',
    'compaction',
  ]),
});

const blobLine = z.strictObject({
  type: z.literal('blob'),
  sha256: hash,
  mime: z.string(),
  /** The bytes in base64; the hash tells whether they are the right ones. */
  data: z.string(),
});

const nodeLine = z.strictObject({
  type: z.literal('node'),
  id: node,
  parent: node.nullable(),
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  wire,
  extra: jsonText.nullable(),
  prefixHash: hash,
  text: z.string(),
  blobs: z.array(hash),
  createdAt: when,
});

const turnLine = z.strictObject({
  type: z.literal('turn'),
  id: id('turn'),
  parentNode: node.nullable(),
  inputNode: node,
  outputNode: node.nullable(),
  status: z.enum(['completed', 'failed', 'cancelled']),
  idempotencyKey: z.string().nullable(),
  requestFingerprint: z.string(),
  upstream: z.string().nullable(),
  upstreamModel: z.string().nullable(),
  finishReason: z.string().nullable(),
  errorCode: z
    .custom<ErrorCode>(isErrorCode, 'is no error code')
    .meta({ type: 'string' })
    .nullable(),
  // Files from before it was kept are without it.
  errorReply: z
    .strictObject({ status: z.int().min(400).max(599), retryAfterMs: z.number().min(0).nullable() })
    .nullable()
    .default(null),
  usage: z.strictObject({
    promptTokens: count.nullable(),
    completionTokens: count.nullable(),
    cachedTokens: count.nullable(),
  }),
  expectedCachedTokens: count.nullable(),
  prefixBreak: z
    .enum(['epoch', 'eviction', 'render', 'upstream', 'unknown'])
    .nullable()
    .default(null),
  epochId: epoch,
  ttftMs: z.number().nullable(),
  createdAt: when,
  startedAt: when.nullable(),
  endedAt: when.nullable(),
});

export const archiveLineShape = z.discriminatedUnion(
  'type',
  [conversationLine, epochLine, blobLine, nodeLine, turnLine],
  'must be conversation, epoch, blob, node or turn',
);

export type ArchiveLine = z.output<typeof archiveLineShape>;
export type LineOf<K extends ArchiveLine['type']> = Extract<ArchiveLine, { type: K }>;

/** Throws what is wrong with it; `number` counts from 1. */
export function parseLine(text: string, number: number): ArchiveLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message = `Line ${number} is not JSON: each line of the file has to be one JSON object.`;
    throw new GatewayError('invalid_json', { param: `line ${number}`, message, cause });
  }
  const result = archiveLineShape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw lineError(number, `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim());
}

/** `problem` reads on from "Line 7:". */
export function lineError(number: number, problem: string): GatewayError {
  return new GatewayError('invalid_field', {
    param: `line ${number}`,
    message: `Line ${number}: ${problem}. Import the file as it was exported.`,
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isMessage(text: string): boolean {
  return text.trimStart().startsWith('{') && isJson(text);
}

function isStrings(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((member) => typeof member === 'string')
  );
}

function isErrorCode(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(ERROR_CATALOGUE, value);
}
