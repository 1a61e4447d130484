// What the document says of a route beyond its path: one entry a route, in the files operations-*.ts.
import type { z } from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { HeaderName } from './headers.ts';
import type { TagName } from './introduction.ts';

export interface Example {
  readonly summary: string;
  readonly description?: string;
  readonly value: unknown;
}

export type Examples = Readonly<Record<string, Example>>;

/** What a reply or a body of one media type holds. */
export interface Content {
  /** Of the whole body; of the data of each event where it is an event stream. */
  readonly schema: z.ZodType;
  readonly examples: Examples;
}

export interface Reply {
  readonly description: string;
  /** Always sent, beside those that every reply has. */
  readonly headers?: readonly HeaderName[];
  /** Sent where they apply. */
  readonly optionalHeaders?: readonly HeaderName[];
  /** By media type; absent where there is no body. */
  readonly content?: Readonly<Record<string, Content>>;
}

export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly example?: unknown;
}

export interface Operation {
  readonly operationId: string;
  readonly tag: TagName;
  readonly summary: string;
  readonly description: string;
  readonly path?: readonly Parameter[];
  readonly query?: z.ZodObject;
  /** Values to try query parameters with. */
  readonly queryExamples?: Readonly<Record<string, unknown>>;
  readonly requestHeaders?: readonly Parameter[];
  readonly body?: {
    readonly required: boolean;
    readonly description: string;
    readonly content: Readonly<Record<string, Content>>;
  };
  /** By status. */
  readonly replies: Readonly<Record<string, Reply>>;
  /** Codes beyond those that follow from the kind of route: see errors-of.ts. */
  readonly errors?: readonly ErrorCode[];
  /** Headers that an error reply has too, where they apply. */
  readonly errorHeaders?: readonly HeaderName[];
}

/** By method and path as the document writes them: `GET /c1/turns/{id}`. */
export type Operations = Readonly<Record<string, Operation>>;

export const EVENT_STREAM = 'text/event-stream';
export const JSON_TYPE = 'application/json';
export const JSON_LINES = 'application/jsonl';
