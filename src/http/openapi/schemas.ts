// From the code's own zod schemas to the JSON Schema of the document. What has a name here is written once and
// referred to everywhere else.
import { z } from 'zod';
import {
  chunkShape,
  completionShape,
  turnCompletionShape,
  usageShape,
} from '../chat-reply-shapes.ts';
import { documentedChat } from '../c1/chat-shape.ts';
import {
  changeShape,
  conversationListShape,
  conversationShape,
  conversationSummaryShape,
  conversationWithMessagesShape,
  forkShape,
} from '../c1/conversation-shapes.ts';
import { turnShape, turnWithTextShape } from '../c1/turn-shapes.ts';
import { shownUpstreamShape } from '../health-shapes.ts';
import { contentPartShape, messageShape, toolCallShape, toolShape } from '../message-shapes.ts';
import {
  catalogueShape,
  errorCodeShape,
  errorShape,
  errorTypeShape,
  healthShape,
  readinessShape,
} from '../site/status-shapes.ts';
import { documentedChatCompletions } from '../v1/chat-shape.ts';
import { aliasInfoShape, infoShape, modelListShape, modelShape } from '../v1/model-shapes.ts';
import { archiveLineShape } from '../../conversations/archive-line.ts';
import type { JsonObject } from './json-object.ts';

const NAMED: Readonly<Record<string, z.ZodType>> = {
  ChatCompletionRequest: documentedChatCompletions,
  Message: messageShape,
  ContentPart: contentPartShape,
  Tool: toolShape,
  ToolCall: toolCallShape,
  ChatCompletion: completionShape,
  ChatCompletionChunk: chunkShape,
  Usage: usageShape,
  Model: modelShape,
  ModelList: modelListShape,
  ModelInfo: aliasInfoShape,
  Info: infoShape,
  Upstream: shownUpstreamShape,
  ChatRequest: documentedChat,
  TurnCompletion: turnCompletionShape,
  ConversationSummary: conversationSummaryShape,
  ConversationList: conversationListShape,
  Conversation: conversationShape,
  ConversationWithMessages: conversationWithMessagesShape,
  ConversationChange: changeShape,
  Fork: forkShape,
  ArchiveLine: archiveLineShape,
  Turn: turnShape,
  TurnWithText: turnWithTextShape,
  Health: healthShape,
  Readiness: readinessShape,
  ErrorCatalogue: catalogueShape,
  ErrorType: errorTypeShape,
  ErrorCode: errorCodeShape,
  Error: errorShape,
};

const refTo = (name: string) => `#/components/schemas/${name}`;
const nameOf = new Map(Object.entries(NAMED).map(([name, schema]) => [schema, name]));

/** All schemas that have a name. */
export function namedSchemas(): JsonObject {
  const registry = z.registry<{ id?: string }>();
  for (const [name, schema] of Object.entries(NAMED)) registry.add(schema, { id: name });
  const { schemas } = z.toJSONSchema(registry, { ...CONVERSION, uri: refTo });
  return Object.fromEntries(
    Object.keys(NAMED).map((name) => [name, tidy(schemas[name] as JsonObject)]),
  );
}

/** A reference where the schema has a name, else the schema itself, which may hold none that has one. */
export function schemaOf(schema: z.ZodType): JsonObject {
  const name = nameOf.get(schema);
  if (name !== undefined) return { $ref: refTo(name) };
  return tidy(z.toJSONSchema(schema, CONVERSION) as JsonObject);
}

const CONVERSION = {
  // What clients send and get, before our transforms.
  io: 'input',
  unrepresentable: 'any',
  override({ jsonSchema }) {
    const documentedBy: unknown = jsonSchema['documentedBy'];
    if (!(documentedBy instanceof z.ZodType)) return;
    const { description } = jsonSchema;
    for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
    Object.assign(
      jsonSchema,
      schemaOf(documentedBy),
      description === undefined ? {} : { description },
    );
  },
} as const satisfies z.core.ToJSONSchemaParams;

/** Without what says nothing: ids, the bounds of JavaScript's integers, and null as an alternative of its own. */
function tidy(schema: JsonObject): JsonObject {
  const { $schema: _schema, $id: _id, ...rest } = schema;
  const tidied = Object.fromEntries(
    Object.entries(rest)
      .filter(([, value]) => Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER)
      .map(([key, value]) => [key, tidyValue(value)]),
  );
  return withNull(tidied);
}

function tidyValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidyValue);
  return typeof value === 'object' && value !== null ? tidy(value as JsonObject) : value;
}

/** `anyOf: [{ type: string }, { type: null }]` as `type: [string, null]`, which is easier to read. */
function withNull(schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return schema;
  const [first, second] = anyOf as [JsonObject, JsonObject];
  if (second['type'] !== 'null') return schema;
  if (Array.isArray(first['anyOf']) && Object.keys(first).length === 1) {
    return { ...rest, anyOf: [...(first['anyOf'] as unknown[]), second] };
  }
  if (typeof first['type'] !== 'string') return schema;
  const { enum: values, const: only, ...inner } = first;
  return {
    ...inner,
    ...rest,
    type: [first['type'], 'null'],
    ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}),
    ...(only === undefined ? {} : { enum: [only, null] }),
  };
}
