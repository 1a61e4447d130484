// The body of a request, of either API, from what is set and asked.
import { question, type Message } from '../thread/message.ts';
import { parametersOf, toolsOf, type Settings } from './settings.ts';

export interface ToolResult {
  readonly tool_call_id: string;
  readonly content: string;
}

export interface Ask {
  readonly model: string;
  readonly settings: Settings;
  /** Absent where a question is answered again, or tool results say it all. */
  readonly text: string;
  readonly images: readonly string[];
  readonly toolResults: readonly ToolResult[];
}

export interface RememberedAsk extends Ask {
  /** Null for a new conversation. */
  readonly conversationId: string | null;
  /** The message that it goes under, where that is not the end of the branch that goes on. */
  readonly parent?: string | null;
  /** Whether the conversation has tools now, which an empty list takes away. */
  readonly hasTools: boolean;
}

/** For POST /c1/chat: what is new, and nothing else. */
export function rememberedBody(ask: RememberedAsk) {
  const { model, settings, text, images, toolResults, conversationId } = ask;
  const tools = toolsOf(settings);
  return {
    model,
    ...(conversationId === null ? {} : { conversation_id: conversationId }),
    ...(conversationId === null || ask.parent === undefined ? {} : { parent: ask.parent }),
    ...(conversationId === null && settings.system.trim() !== ''
      ? { system: settings.system }
      : {}),
    ...(text === '' ? {} : { message: text }),
    ...(images.length === 0 ? {} : { images }),
    ...(toolResults.length === 0 ? {} : { tool_results: toolResults }),
    ...(tools.length > 0 || ask.hasTools ? { tools } : {}),
    ...toolChoiceOf(settings),
    ...parametersOf(settings),
    stream: true as const,
    stream_options: { include_usage: true },
  };
}

/** For POST /v1/chat/completions: the whole history, every time. */
export function statelessBody(ask: Ask, history: readonly Message[]) {
  const { model, settings, text, images, toolResults } = ask;
  const tools = toolsOf(settings);
  const asked: Message[] = [
    ...toolResults.map((result): Message => ({ role: 'tool', ...result })),
    ...(text === '' && images.length === 0 ? [] : [question(text, images)]),
  ];
  return {
    model,
    messages: [
      ...(settings.system.trim() === '' ? [] : [{ role: 'system', content: settings.system }]),
      ...history.map(sentAgain),
      ...asked,
    ],
    ...(tools.length > 0 ? { tools } : {}),
    ...toolChoiceOf(settings),
    ...parametersOf(settings),
    stream: true as const,
    stream_options: { include_usage: true },
  };
}

function toolChoiceOf({ toolChoice, tools }: Settings): Record<string, unknown> {
  return toolChoice === 'auto' || tools.length === 0 ? {} : { tool_choice: toolChoice };
}

/** What a model thought is not sent again here, and our own ids are nobody else's business. */
function sentAgain({ role, content, tool_calls, tool_call_id, images }: Message) {
  return {
    role,
    content,
    ...(tool_calls ? { tool_calls } : {}),
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
    ...(images ? { images } : {}),
  };
}
