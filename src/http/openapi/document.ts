// The OpenAPI document: the routes that are served, with what is said of each of them. A route without an entry, or an
// entry without a route, is a fault of ours and makes no document (test/openapi-document.test.ts).
import { schemaOf, namedSchemas } from './schemas.ts';
import { errorExamples, errorReplies } from './errors-of.ts';
import type { JsonObject } from './json-object.ts';
import { headerComponents, headersOf, RATE_HEADERS } from './headers.ts';
import { DESCRIPTION, SUMMARY, TAGS, TITLE } from './introduction.ts';
import {
  EVENT_STREAM,
  JSON_LINES,
  type Content,
  type Operation,
  type Operations,
  type Parameter,
  type Reply,
} from './operation.ts';
import { chatOperations } from './operations-chat.ts';
import { conversationOperations } from './operations-conversations.ts';
import { pageOperations } from './operations-pages.ts';
import { siteOperations } from './operations-site.ts';
import { turnOperations } from './operations-turns.ts';
import { v1Operations } from './operations-v1.ts';
import { errorShape } from '../site/status-shapes.ts';

/** Who may ask: see app.ts. */
export type Access = 'public' | 'token' | 'local' | 'browser' | 'relief';

/** A row of the route table. */
export interface ServedRoute {
  readonly access: Access;
  readonly method: string;
  /** As the router writes it: `/c1/turns/:id`. */
  readonly path: string;
}

const OPERATIONS: Operations = {
  ...v1Operations,
  ...chatOperations,
  ...conversationOperations,
  ...turnOperations,
  ...siteOperations,
  ...pageOperations,
};

const SECURITY = [{ bearer: [] }, { apiKey: [] }];

export function openApiDocument(routes: readonly ServedRoute[], version: string): JsonObject {
  const shown = routes.map((route) => ({ ...route, path: templateOf(route.path) }));
  const keys = new Set(shown.map(({ method, path }) => `${method} ${path}`));
  const lost = Object.keys(OPERATIONS).filter((key) => !keys.has(key) && !(key in pageOperations));
  if (lost.length > 0) throw new TypeError(`no route for ${lost.join(', ')}`);
  const byPath = Map.groupBy(shown, ({ path }) => path);
  const paths = Object.fromEntries([...byPath].map(([path, served]) => [path, pathItem(served)]));
  return {
    openapi: '3.1.1',
    info: {
      title: TITLE,
      version,
      summary: SUMMARY,
      description: DESCRIPTION,
      license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This gateway' }],
    tags: Object.entries(TAGS)
      .filter(([tag]) => JSON.stringify(paths).includes(JSON.stringify([tag])))
      .map(([name, description]) => ({ name, description })),
    security: SECURITY,
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token of the server: its `RUST_API_BEARER`.',
        },
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'x-api-key',
          description: 'The same token, for clients that send it so.',
        },
      },
      parameters: { RequestId: REQUEST_ID },
      headers: usedIn(paths, 'headers', headerComponents),
      schemas: namedSchemas(),
      examples: usedIn(paths, 'examples', errorExamples()),
    },
  };
}

/** Those components that are referred to. */
function usedIn(paths: JsonObject, kind: string, components: JsonObject): JsonObject {
  const text = JSON.stringify(paths);
  return Object.fromEntries(
    Object.entries(components).filter(([name]) => text.includes(`"#/components/${kind}/${name}"`)),
  );
}

const REQUEST_ID = {
  name: 'X-Request-Id',
  in: 'header',
  description:
    'Your own name for this request: 1 to 128 letters, digits, `_`, `.`, `:` or `-`. Anything else is replaced.',
  schema: { type: 'string' },
};

/** `/v1/models/:id{.+}` as `/v1/models/{id}`. */
function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}');
}

function pathItem(routes: readonly ServedRoute[]): JsonObject {
  return {
    parameters: [{ $ref: '#/components/parameters/RequestId' }],
    ...Object.fromEntries(
      routes.map((route) => [route.method.toLowerCase(), operationObject(route)]),
    ),
  };
}

function operationObject(route: ServedRoute): JsonObject {
  const { access, method, path } = route;
  const operation = OPERATIONS[`${method} ${path}`];
  if (!operation) throw new TypeError(`no operation for ${method} ${path}`);
  const { operationId, tag, summary, description, body } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    ...(access === 'public' ? { security: [] } : {}),
    ...(isOptional(access) ? { security: [{}, ...SECURITY] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { ...body, content: contentObject(body.content) } } : {}),
    responses: responses(route, operation),
  };
}

function responses({ access, path }: ServedRoute, operation: Operation): JsonObject {
  return {
    ...Object.fromEntries(
      Object.entries(operation.replies).map(([status, reply]) => [
        status,
        replyObject(reply, access),
      ]),
    ),
    ...errorReplies({ access, path, operation }),
  };
}

/** Whether the token is asked for in some cases only. */
function isOptional(access: Access): boolean {
  return access === 'local' || access === 'browser';
}

function replyObject(reply: Reply, access: Access): JsonObject {
  const { description, headers = [], optionalHeaders = [], content } = reply;
  return {
    description,
    headers: headersOf(
      [...(access === 'token' || access === 'relief' ? RATE_HEADERS : []), ...headers],
      [...(isOptional(access) ? RATE_HEADERS : []), ...optionalHeaders],
    ),
    ...(content ? { content: contentObject(content) } : {}),
  };
}

function contentObject(content: Readonly<Record<string, Content>>): JsonObject {
  return Object.fromEntries(
    Object.entries(content).map(([mediaType, { schema, examples }]) => [
      mediaType,
      { schema: bodySchema(mediaType, schema), examples },
    ]),
  );
}

/** Streams and files of lines are texts; contentSchema tells what each event or line holds. */
function bodySchema(mediaType: string, schema: Content['schema']): JsonObject {
  switch (mediaType) {
    case EVENT_STREAM:
      return {
        type: 'string',
        description:
          'Events: the `data` of each is the JSON of a chunk, or of the error that ends the stream; of the last one of a complete answer it is `[DONE]`.',
        contentMediaType: EVENT_STREAM,
        contentSchema: { anyOf: [schemaOf(schema), schemaOf(errorShape)] },
      };
    case JSON_LINES:
      return {
        type: 'string',
        description: 'One JSON object a line.',
        contentMediaType: JSON_LINES,
        contentSchema: schemaOf(schema),
      };
    default:
      return schemaOf(schema);
  }
}

function parametersOf({ path, query, queryExamples, requestHeaders }: Operation): JsonObject[] {
  return [
    ...(path ?? []).map((parameter) => ({ ...parameterObject(parameter, 'path'), required: true })),
    ...Object.entries(query?.shape ?? {}).map(([name, field]) => {
      const { description = '', ...schema } = schemaOf(field) as { description?: string };
      const example = queryExamples?.[name];
      return {
        name,
        in: 'query',
        description,
        schema,
        ...(example === undefined ? {} : { example }),
      };
    }),
    ...(requestHeaders ?? []).map((parameter) => parameterObject(parameter, 'header')),
  ];
}

function parameterObject(parameter: Parameter, place: 'path' | 'header'): JsonObject {
  const { name, description, schema, example } = parameter;
  return {
    name,
    in: place,
    description,
    schema: schemaOf(schema),
    ...(example === undefined ? {} : { example }),
  };
}
