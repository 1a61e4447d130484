// What is known of a piece of work that has ended, as OpenTelemetry sees it: a span.
import type { TraceContext } from '../domain/trace-context.ts';

/** Numbers are integers; one that need not be says so. */
export type AttributeValue =
  | string
  | number
  | boolean
  | readonly string[]
  | { readonly double: number };
/** Those that are undefined are not sent. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export interface Span {
  readonly trace: TraceContext;
  readonly kind: 'internal' | 'server' | 'client';
  readonly name: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Attributes;
  readonly events?: readonly { readonly name: string; readonly at: number }[];
  readonly link?: TraceContext | undefined;
  readonly failed: boolean;
}
