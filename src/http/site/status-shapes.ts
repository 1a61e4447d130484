// What GET /healthz, /readyz and /errors answer.
import { z } from 'zod';
import { ERROR_CATALOGUE, type CatalogueEntry } from '../../domain/error-catalogue.ts';
import { shownUpstreamShape } from '../health-shapes.ts';

export const healthShape = z.object({ status: z.literal('ok') }).describe('The process lives.');

export const readinessShape = z
  .object({
    status: z
      .enum(['ready', 'not_ready', 'draining'])
      .describe('`ready`: the store works and at least one upstream is not known to be down.'),
    version: z.string().describe('Of the gateway.'),
    demo: z.boolean().describe('true: the built-in demo engine answers, no language model.'),
    store: z.object({
      ok: z.boolean(),
      latency_ms: z.number().nullable(),
      problem: z.string().nullable(),
    }),
    upstreams: z.array(shownUpstreamShape),
  })
  .describe('Whether requests can be answered now.');

export type Readiness = z.output<typeof readinessShape>;

const entries: readonly CatalogueEntry[] = Object.values(ERROR_CATALOGUE);
const types = [...new Set(entries.map(({ type }) => type))];

export const errorTypeShape = z.enum(types).describe('The class of the error.');
export const errorCodeShape = z
  .enum(Object.keys(ERROR_CATALOGUE))
  .describe('What went wrong. A code never gets another meaning.');

export const catalogueShape = z
  .object({
    version: z.literal(1),
    count: z.int(),
    entries: z.array(
      z.object({
        code: errorCodeShape,
        type: errorTypeShape,
        http_status: z.int().min(400).max(599),
        title: z.string(),
        description: z.string(),
        remediation: z.string().describe('What to do about it.'),
        typical_param: z.string().nullable(),
        retryable: z.boolean(),
      }),
    ),
  })
  .describe('Every error that this gateway can answer.');

export type CatalogueReply = z.output<typeof catalogueShape>;

export const errorShape = z
  .object({
    error: z
      .object({
        type: errorTypeShape,
        code: errorCodeShape,
        message: z.string().describe('What was wrong, and what to do. For people.'),
        param: z
          .string()
          .nullable()
          .describe('The exact field, header or parameter at fault: `messages[0].content`.'),
        retryable: z.boolean().describe('Whether the same request may succeed later.'),
        request_id: z.string().describe('Ask the operator about this one: it is in the log.'),
      })
      .describe('The error.'),
  })
  .describe('The one form of every error, as a reply or as the last event of a stream.');
