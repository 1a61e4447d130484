// The messages of a request in Ollama's form: text and images apart, tool arguments as objects, results with the name
// of their tool. Each message depends on itself and those before it alone, so a longer history begins with the bytes
// of a shorter one, and Ollama finds it in its cache.
import { GatewayError } from '../../domain/errors.ts';
import { objectText } from '../../json/compose.ts';
import { isObject } from '../../json/document.ts';
import { lacking, malformed } from './refuse.ts';

type Message = Readonly<Record<string, unknown>>;

/** JSON text of the list. */
export function ollamaMessages(messages: unknown): string {
  if (!Array.isArray(messages)) throw malformed('messages', 'a list of messages');
  const toolNames = new Map<string, string>();
  const texts = messages.map((message: unknown, index) => {
    const at = `messages[${index}]`;
    if (!isObject(message)) throw malformed(at, 'an object with role and content');
    return messageText(message, at, toolNames);
  });
  return `[${texts.join(',')}]`;
}

function messageText(message: Message, at: string, toolNames: Map<string, string>): string {
  const { text, images } = readContent(message, at);
  const isAssistant = message['role'] === 'assistant';
  if (isAssistant && message['function_call'])
    throw lacking(`${at}.function_call`, 'tool_calls instead');
  return objectText({
    role: JSON.stringify(roleOf(message['role'])),
    content: JSON.stringify(text),
    thinking: isAssistant ? thinkingOf(message) : undefined,
    images: images.length === 0 ? undefined : JSON.stringify(images),
    tool_calls: isAssistant ? callTexts(message['tool_calls'], at, toolNames) : undefined,
    ...toolMembers(message, toolNames),
  });
}

/** No chat template knows the newer name of the system's role, nor the older one of a tool's. */
function roleOf(role: unknown): unknown {
  if (role === 'developer') return 'system';
  return role === 'function' ? 'tool' : role;
}

interface Content {
  readonly text: string;
  /** Base64, without the head of their data URIs; Ollama takes audio the same way. */
  readonly images: readonly string[];
}

function readContent(message: Message, at: string): Content {
  const { content } = message;
  const drawn = Array.isArray(message['images']) ? message['images'] : [];
  const parts = Array.isArray(content) ? content : [];
  const read = [
    ...parts.map((part: unknown, index) => readPart(part, `${at}.content[${index}]`)),
    ...drawn.map((part: unknown, index) => readPart(part, `${at}.images[${index}]`)),
  ];
  const texts = read.flatMap(({ text }) => (text === undefined ? [] : [text]));
  return {
    text: typeof content === 'string' ? content : texts.join('\n'),
    images: read.flatMap(({ image }) => (image === undefined ? [] : [image])),
  };
}

function readPart(part: unknown, at: string): { text?: string; image?: string } {
  if (!isObject(part)) throw malformed(at, 'an object with a type');
  switch (part['type']) {
    case 'text':
      return { text: stringAt(part['text'], `${at}.text`) };
    case 'refusal':
      return { text: stringAt(part['refusal'], `${at}.refusal`) };
    case 'image_url': {
      const { url } = isObject(part['image_url']) ? part['image_url'] : {};
      return { image: base64In(url, `${at}.image_url.url`) };
    }
    case 'input_audio': {
      const { data } = isObject(part['input_audio']) ? part['input_audio'] : {};
      return { image: stringAt(data, `${at}.input_audio.data`) };
    }
    default:
      throw lacking(at, 'text, images and audio for its input');
  }
}

function stringAt(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  throw malformed(at, 'a string');
}

function base64In(url: unknown, at: string): string {
  const data = typeof url === 'string' ? /^data:[^,]*;base64,/i.exec(url) : null;
  if (typeof url === 'string' && data) return url.slice(data[0].length);
  throw new GatewayError('image_url_not_supported', { param: at });
}

/** Ollama gives earlier thinking to the template, which keeps what its model was trained with. */
function thinkingOf(message: Message): string | undefined {
  const thinking = message['reasoning_content'] ?? message['reasoning'];
  return typeof thinking === 'string' && thinking !== '' ? JSON.stringify(thinking) : undefined;
}

function callTexts(calls: unknown, at: string, toolNames: Map<string, string>): string | undefined {
  if (!Array.isArray(calls) || calls.length === 0) return undefined;
  const texts = calls.map((call: unknown, index) => {
    const where = `${at}.tool_calls[${index}]`;
    const { id, function: fn } = isObject(call) ? call : {};
    if (!isObject(fn)) throw lacking(where, 'calls of functions alone');
    const name = stringAt(fn['name'], `${where}.function.name`);
    if (typeof id === 'string') toolNames.set(id, name);
    return objectText({
      id: typeof id === 'string' ? JSON.stringify(id) : undefined,
      function: objectText({
        name: JSON.stringify(name),
        arguments: argumentsText(fn['arguments']),
      }),
    });
  });
  return `[${texts.join(',')}]`;
}

/**
 * The arguments as the object that Ollama insists on. What another model once got wrong would make it refuse the whole
 * conversation for good, so text that is no object is shown to the model as it is, inside of one.
 */
function argumentsText(given: unknown): string {
  if (isObject(given)) return JSON.stringify(given);
  if (typeof given !== 'string' || given.trim() === '') return '{}';
  try {
    if (isObject(JSON.parse(given))) return given;
  } catch {
    // Broken off or never JSON: told below.
  }
  return objectText({ arguments: JSON.stringify(given) });
}

function toolMembers(
  message: Message,
  toolNames: ReadonlyMap<string, string>,
): Record<string, string | undefined> {
  const { role, name, tool_call_id: id } = message;
  if (role !== 'tool' && role !== 'function') return {};
  const called = typeof id === 'string' ? toolNames.get(id) : undefined;
  const toolName = typeof name === 'string' ? name : called;
  return {
    tool_name: toolName === undefined ? undefined : JSON.stringify(toolName),
    tool_call_id: typeof id === 'string' ? JSON.stringify(id) : undefined,
  };
}
