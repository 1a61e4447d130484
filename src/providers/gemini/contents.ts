// A conversation in OpenAI's messages as Gemini's contents. Each message is translated by itself, from what stands
// before it alone: so the contents of a longer conversation begin with those of the shorter one, byte for byte.
import { isObject } from '../../json/document.ts';
import { answerParts, callId } from './answer-parts.ts';
import { contentParts } from './media.ts';
import { isThirdGeneration, type ModelFacts } from './model-facts.ts';
import { lacking, malformed } from './refuse.ts';
import type { ChatRequest, Content, Part } from './wire.ts';

export interface Conversation {
  readonly systemInstruction?: Content;
  readonly contents: readonly Content[];
}

/** Who speaks. Results of functions are the user's, but a content of their own. */
type Voice = 'system' | 'user' | 'model' | 'results';

interface Utterance {
  readonly voice: Voice;
  readonly parts: Part[];
}

export function conversationOf(messages: unknown, facts: ModelFacts): Conversation {
  if (!Array.isArray(messages)) throw malformed('messages', 'a list of messages');
  const names = new Map<string, string>();
  const utterances: Utterance[] = [];
  messages.forEach((message: unknown, index) => {
    const path = `messages[${index}]`;
    if (!isObject(message)) throw malformed(path, 'an object with role and content');
    const said = utterance(message, path, { facts, names });
    const before = utterances.at(-1);
    // Instructions on top are Gemini's systemInstruction. A later one must not change what stands before it.
    const isLate = said.voice === 'system' && before !== undefined && before.voice !== 'system';
    const voice = isLate ? 'user' : said.voice;
    if (said.parts.length === 0 && (voice === 'system' || voice === 'model')) return;
    if (before?.voice === voice) before.parts.push(...said.parts);
    else utterances.push({ voice, parts: said.parts });
  });
  const [first] = utterances;
  const system = first?.voice === 'system' ? { systemInstruction: { parts: first.parts } } : {};
  const contents = utterances.flatMap(({ voice, parts }): Content[] =>
    voice === 'system'
      ? []
      : [{ role: voice === 'model' ? 'model' : 'user', parts: filled(parts) }],
  );
  return { ...system, contents };
}

/** A content needs a part. */
function filled(parts: readonly Part[]): readonly Part[] {
  return parts.length === 0 ? [{ text: '' }] : parts;
}

interface Known {
  readonly facts: ModelFacts;
  /** The functions' names by the ids of the calls so far. */
  readonly names: Map<string, string>;
}

function utterance(message: ChatRequest, path: string, known: Known): Utterance {
  switch (message['role']) {
    case 'system':
    case 'developer':
      return { voice: 'system', parts: contentParts(message['content'], `${path}.content`) };
    case 'user':
      return { voice: 'user', parts: contentParts(message['content'], `${path}.content`) };
    case 'assistant': {
      const parts = answerParts(message, path, known.facts);
      noteNames(message['tool_calls'], known.names);
      return { voice: 'model', parts };
    }
    case 'tool':
      return { voice: 'results', parts: [resultPart(message, path, known)] };
    default:
      throw lacking(`${path}.role`, 'system, developer, user, assistant and tool for its roles');
  }
}

function noteNames(calls: unknown, names: Map<string, string>): void {
  for (const call of Array.isArray(calls) ? calls : []) {
    if (!isObject(call) || !isObject(call['function'])) continue;
    const { name } = call['function'];
    if (typeof call['id'] === 'string' && typeof name === 'string') names.set(call['id'], name);
  }
}

/** The result of a call, under `output`: Gemini wants an object, and OpenAI's results are text. */
function resultPart(message: ChatRequest, path: string, { facts, names }: Known): Part {
  const id = message['tool_call_id'];
  const name = (typeof id === 'string' ? names.get(id) : undefined) ?? message['name'];
  if (typeof name !== 'string') {
    throw malformed(`${path}.tool_call_id`, 'the id of a tool call in a message before');
  }
  const parts = contentParts(message['content'], `${path}.content`);
  const output = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join('\n');
  const media = parts.filter((part) => 'inlineData' in part);
  if (media.length > 0 && !isThirdGeneration(facts)) {
    throw lacking(`${path}.content`, 'text alone for the results of tools before Gemini 3');
  }
  return {
    functionResponse: {
      ...callId(typeof id === 'string' ? id : '', facts),
      name,
      response: { output },
      ...(media.length > 0 ? { parts: media } : {}),
    },
  };
}
