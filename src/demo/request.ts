// From the bytes of a chat completion request to what the demo engine acts on. Strict about what it reads, since a
// gateway is tested against it; everything that it does not read is ignored, whatever it is.

import { isObject, type Json, type JsonObject, listOf } from './json.ts';

export interface ChatMessage {
  readonly role: string;
  readonly text: string;
  /** The `image_url.url` of each image, in order. */
  readonly images: readonly string[];
  readonly calls: readonly { id: string; name: string; arguments: string }[];
  /** Of a tool result: which call it answers, and the function's name if the client says it. */
  readonly callId: string | undefined;
  readonly name: string | undefined;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonObject;
}

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | { readonly type: 'json_schema'; readonly schema: Json };

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly choices: number;
  readonly tools: readonly Tool[];
  /** The tools as they were sent: they are part of the prompt. */
  readonly toolsJson: string;
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallelCalls: boolean;
  readonly format: ResponseFormat;
  readonly wantsImage: boolean;
  readonly cacheSalt: string;
}

/** A request that cannot be served; becomes a 400 in OpenAI's envelope. */
export class RequestProblem extends Error {
  readonly param: string | null;

  constructor(message: string, param: string | null = null) {
    super(message);
    this.name = 'RequestProblem';
    this.param = param;
  }
}

const MAX_CHOICES = 8;

export function parseChatRequest(text: string): ChatRequest {
  const body = parseBody(text);
  const toolList = listOf(body['tools']);
  const tools = toolList.map(parseTool);
  const model = body['model'];
  if (typeof model !== 'string' || model === '') {
    throw new RequestProblem("Missing required parameter: 'model'.", 'model');
  }
  const streamOptions = body['stream_options'];
  const salt = body['cache_salt'];
  return {
    model,
    messages: parseMessages(body['messages']),
    stream: body['stream'] === true,
    includeUsage: isObject(streamOptions) && streamOptions['include_usage'] === true,
    maxTokens: Math.min(positive(body, 'max_completion_tokens'), positive(body, 'max_tokens')),
    stop: parseStop(body['stop']),
    choices: parseChoices(body['n']),
    tools,
    toolsJson: toolList.length === 0 ? '' : JSON.stringify(toolList),
    toolChoice: parseToolChoice(body['tool_choice'], tools),
    parallelCalls: body['parallel_tool_calls'] !== false,
    format: parseFormat(body['response_format']),
    wantsImage: listOf(body['modalities']).includes('image') || /banana|image/i.test(model),
    cacheSalt: typeof salt === 'string' ? salt : '',
  };
}

function parseBody(text: string): JsonObject {
  let body: Json;
  try {
    body = JSON.parse(text);
  } catch {
    throw new RequestProblem('We could not parse the JSON body of your request.');
  }
  if (!isObject(body)) throw new RequestProblem('The body must be a JSON object.');
  return body;
}

function parseMessages(value: Json | undefined): ChatMessage[] {
  if (value === undefined || value === null) {
    throw new RequestProblem("Missing required parameter: 'messages'.", 'messages');
  }
  if (!Array.isArray(value) || value.length === 0) {
    throw new RequestProblem("'messages' must be an array with at least one message.", 'messages');
  }
  return listOf(value).map((message, index) => parseMessage(message, `messages[${index}]`));
}

function parseMessage(message: Json, path: string): ChatMessage {
  if (!isObject(message)) throw new RequestProblem(`'${path}' must be an object.`, path);
  const role = message['role'];
  if (typeof role !== 'string' || role === '') {
    throw new RequestProblem(`Missing required parameter: '${path}.role'.`, `${path}.role`);
  }
  const { text, images } = parseContent(message['content'], `${path}.content`);
  const callId = message['tool_call_id'];
  const name = message['name'];
  return {
    role,
    text,
    images: [...images, ...imagesOf(message['images'])],
    calls: listOf(message['tool_calls']).filter(isObject).map(parseCall),
    callId: typeof callId === 'string' ? callId : undefined,
    name: typeof name === 'string' ? name : undefined,
  };
}

function parseContent(
  content: Json | undefined,
  path: string,
): { text: string; images: readonly string[] } {
  if (content === undefined || content === null) return { text: '', images: [] };
  if (typeof content === 'string') return { text: content, images: [] };
  if (!Array.isArray(content)) {
    throw new RequestProblem(`'${path}' must be a string, an array of parts, or null.`, path);
  }
  const parts = listOf(content);
  for (const [index, part] of parts.entries()) {
    if (!isObject(part) || typeof part['type'] !== 'string') {
      throw new RequestProblem(`'${path}[${index}]' must be a content part.`, `${path}[${index}]`);
    }
  }
  const texts = parts.filter(isObject).map((part) => part['text']);
  return {
    text: texts.filter((text) => typeof text === 'string').join('\n'),
    images: imagesOf(parts),
  };
}

function imagesOf(parts: Json | undefined): string[] {
  return listOf(parts).flatMap((part) => {
    const image = isObject(part) ? part['image_url'] : undefined;
    const url = isObject(image) ? image['url'] : image;
    return typeof url === 'string' ? [url] : [];
  });
}

function parseCall(call: JsonObject): { id: string; name: string; arguments: string } {
  const called = isObject(call['function']) ? call['function'] : {};
  const { name, arguments: given } = called;
  return {
    id: typeof call['id'] === 'string' ? call['id'] : '',
    name: typeof name === 'string' ? name : '',
    arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
  };
}

function parseTool(tool: Json, index: number): Tool {
  const described = isObject(tool) ? tool['function'] : undefined;
  if (!isObject(described) || typeof described['name'] !== 'string') {
    throw new RequestProblem(
      `Missing required parameter: 'tools[${index}].function.name'.`,
      `tools[${index}].function.name`,
    );
  }
  const { name, description, parameters } = described;
  return {
    name,
    description: typeof description === 'string' ? description : '',
    parameters: isObject(parameters) ? parameters : { type: 'object', properties: {} },
  };
}

function parseToolChoice(
  choice: Json | undefined,
  tools: readonly Tool[],
): ChatRequest['toolChoice'] {
  if (choice === undefined || choice === null || choice === 'auto') return 'auto';
  if (choice === 'none') return 'none';
  if (tools.length === 0) {
    throw new RequestProblem("'tool_choice' needs 'tools' to choose from.", 'tool_choice');
  }
  if (choice === 'required') return 'required';
  const named =
    isObject(choice) && isObject(choice['function']) ? choice['function']['name'] : null;
  const known = tools.find((tool) => tool.name === named);
  if (known === undefined) {
    throw new RequestProblem("'tool_choice' names no function of 'tools'.", 'tool_choice');
  }
  return { name: known.name };
}

function parseFormat(format: Json | undefined): ResponseFormat {
  const type = isObject(format) ? format['type'] : 'text';
  if (!isObject(format) || type === 'text') return { type: 'text' };
  if (type === 'json_object') return { type };
  const wrapped = format['json_schema'];
  const schema = isObject(wrapped) ? wrapped['schema'] : undefined;
  if (type === 'json_schema' && schema !== undefined) return { type, schema };
  throw new RequestProblem(
    "'response_format' must be text, json_object, or json_schema with a schema.",
    'response_format',
  );
}

function parseStop(stop: Json | undefined): string[] {
  if (stop === undefined || stop === null) return [];
  const list = typeof stop === 'string' ? [stop] : listOf(stop);
  if (typeof stop !== 'string' && !Array.isArray(stop)) {
    throw new RequestProblem("'stop' must be a string or an array of strings.", 'stop');
  }
  return list.filter((entry) => typeof entry === 'string').filter((entry) => entry !== '');
}

function parseChoices(n: Json | undefined): number {
  if (n === undefined || n === null) return 1;
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > MAX_CHOICES) {
    throw new RequestProblem(`'n' must be an integer from 1 to ${MAX_CHOICES}.`, 'n');
  }
  return n;
}

function positive(body: JsonObject, field: string): number {
  const value = body[field];
  if (value === undefined || value === null) return Number.POSITIVE_INFINITY;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new RequestProblem(`'${field}' must be an integer of at least 1.`, field);
  }
  return value;
}
