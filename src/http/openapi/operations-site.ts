// The document's entries for what is around the APIs.
import { z } from 'zod';
import { ERROR_CATALOGUE } from '../../domain/error-catalogue.ts';
import { catalogueShape, healthShape, readinessShape } from '../site/status-shapes.ts';
import { dashboardQuery, dashboardShape } from '../site/dashboard-shapes.ts';
import { DASHBOARD } from './examples/dashboard.ts';
import { NOT_READY, READY } from './examples/models.ts';
import { JSON_TYPE, type Operations } from './operation.ts';

const [firstEntry] = Object.entries(ERROR_CATALOGUE).map(([code, entry]) => ({ code, ...entry }));

const METRICS = `# HELP gateway_requests_total Requests that have ended. Status 499: the client left first.
# TYPE gateway_requests_total counter
gateway_requests_total{route="/v1/chat/completions",method="POST",status="200",alias="llama-4-scout",upstream="spark"} 3
`;

export const siteOperations: Operations = {
  'GET /healthz': {
    operationId: 'getHealth',
    tag: 'Service',
    summary: 'Whether the process lives',
    description: 'For a liveness probe. Says nothing of upstreams or of the store.',
    replies: {
      200: {
        description: 'It lives.',
        content: {
          [JSON_TYPE]: {
            schema: healthShape,
            examples: { ok: { summary: 'Alive', value: { status: 'ok' } } },
          },
        },
      },
    },
  },

  'GET /readyz': {
    operationId: 'getReadiness',
    tag: 'Service',
    summary: 'Whether requests can be answered',
    description:
      'For a readiness probe and for people: the state of the store and of each upstream, from background probes. Asking costs nothing and probes nothing.',
    replies: {
      200: {
        description: 'Ready.',
        content: {
          [JSON_TYPE]: {
            schema: readinessShape,
            examples: { ready: { summary: 'All is well', value: READY } },
          },
        },
      },
      503: {
        description: 'Not ready, or stopping. No error: the same body, which says why.',
        content: {
          [JSON_TYPE]: {
            schema: readinessShape,
            examples: { down: { summary: 'No upstream answers', value: NOT_READY } },
          },
        },
      },
    },
  },

  'GET /errors': {
    operationId: 'listErrors',
    tag: 'Service',
    summary: 'List every error',
    description: 'The catalogue: each code with its status, what it means and what to do.',
    replies: {
      200: {
        description: 'All codes.',
        content: {
          [JSON_TYPE]: {
            schema: catalogueShape,
            examples: {
              catalogue: {
                summary: 'Its first entry',
                value: { version: 1, count: 1, entries: [firstEntry] },
              },
            },
          },
        },
      },
    },
  },

  'GET /metrics': {
    operationId: 'getMetrics',
    tag: 'Service',
    summary: 'Metrics for Prometheus',
    description:
      'Open to this machine alone; from elsewhere, or through a proxy, it needs the token. A setting opens it to all or to none.',
    replies: {
      200: {
        description: "Prometheus' text format.",
        headers: ['cache-control'],
        content: {
          'text/plain': {
            schema: z.string(),
            examples: { counter: { summary: 'One of many', value: METRICS } },
          },
        },
      },
    },
  },

  'GET /dashboard/data': {
    operationId: 'getDashboardData',
    tag: 'Service',
    summary: 'The last hour in figures',
    description:
      'What the dashboard shows: requests, failures, tokens, reuse and speed, step by step and in total, and how the gateway is now. Kept in memory, so it begins anew with the process.',
    query: dashboardQuery,
    queryExamples: { minutes: 15, step: 30 },
    replies: {
      200: {
        description: 'The figures.',
        headers: ['cache-control'],
        content: {
          [JSON_TYPE]: {
            schema: dashboardShape,
            examples: { figures: { summary: 'Half a minute with one request', value: DASHBOARD } },
          },
        },
      },
    },
  },

  'GET /openapi.json': {
    operationId: 'getOpenApi',
    tag: 'Service',
    summary: 'This document',
    description: 'OpenAPI 3.1, made of the schemas that the gateway itself checks with.',
    requestHeaders: [
      {
        name: 'If-None-Match',
        description: 'The `etag` of the document that you have: 304 if it is still this one.',
        schema: z.string(),
      },
    ],
    replies: {
      200: {
        description: 'The document.',
        headers: ['etag', 'cache-control', 'vary'],
        content: {
          [JSON_TYPE]: {
            schema: z.looseObject({ openapi: z.string() }),
            examples: {
              begin: {
                summary: 'How it begins',
                value: { openapi: '3.1.1', info: { title: 'DGX LLM Chat Gateway' } },
              },
            },
          },
        },
      },
      304: { description: 'You have it.', headers: ['etag', 'cache-control', 'vary'] },
    },
  },
};
