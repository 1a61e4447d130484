// The document's entries for the pages, and for what they load. Those of them count that app.ts serves.
import { z } from 'zod';
import { PAGE_HEADERS } from './headers.ts';
import type { Operation, Operations, Parameter } from './operation.ts';

interface Page {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly path?: readonly Parameter[];
  readonly mediaType?: string;
  readonly requestHeaders?: readonly Parameter[];
}

function pageOperation({ mediaType = 'text/html', ...page }: Page): Operation {
  return {
    ...page,
    tag: 'Pages',
    requestHeaders: [
      {
        name: 'If-None-Match',
        description: 'The `etag` of what you have: 304 if it is still this one.',
        schema: z.string(),
      },
    ],
    replies: {
      200: {
        description: mediaType === 'text/html' ? 'The page.' : 'The file.',
        headers: PAGE_HEADERS,
        content: {
          [mediaType]: {
            schema: z.string(),
            examples: { begin: { summary: 'How it begins', value: '<!doctype html>' } },
          },
        },
      },
      304: { description: 'You have it.', headers: PAGE_HEADERS },
    },
    errors: ['route_not_found'],
    errorHeaders: PAGE_HEADERS,
  };
}

const pages: Readonly<Record<string, Page>> = {
  'GET /': {
    operationId: 'getHomePage',
    summary: 'The first page',
    description: 'What this gateway is, how it is at the moment, and where to go on.',
  },
  'GET /docs': {
    operationId: 'getManual',
    summary: 'The manual',
    description: 'Its first page.',
  },
  'GET /docs/{page}': {
    operationId: 'getManualPage',
    summary: 'A page of the manual',
    description: 'From the first request to running the gateway for a team.',
    path: [{ name: 'page', description: 'Its name.', schema: z.string() }],
  },
  'GET /openapi': {
    operationId: 'getApiConsole',
    summary: 'This API, to try',
    description: 'Every route with its fields. Type your token in and send requests from the page.',
  },
  'GET /redoc': {
    operationId: 'getApiReference',
    summary: 'This API, to read',
    description: 'The same reference, laid out for reading.',
  },
  'GET /playground': {
    operationId: 'getPlayground',
    summary: 'The playground',
    description: 'Talk to a model with your own token, and copy the request as code.',
  },
  'GET /dashboard': {
    operationId: 'getDashboard',
    summary: 'The dashboard',
    description: 'The last hour: requests, errors, speed, and how much of each prompt was cached.',
  },
  'GET /assets/{file}': {
    operationId: 'getAsset',
    summary: 'What the pages load',
    description: 'Scripts, style sheets and fonts. Their names change with their contents.',
    mediaType: '*/*',
    path: [{ name: 'file', description: 'Its name.', schema: z.string() }],
  },
};

export const pageOperations: Operations = Object.fromEntries(
  Object.entries(pages).map(([route, page]) => [route, pageOperation(page)]),
);
