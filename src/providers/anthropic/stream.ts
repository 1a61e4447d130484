// The events of a streamed message as OpenAI's chunks, one event after the other.
import { MAX_REPLY_BYTES } from '../../domain/limits.ts';
import { isObject } from '../../json/document.ts';
import { interruptedError, protocolError } from '../failure.ts';
import type { Completion } from '../provider.ts';
import type { Completeness } from '../read-events.ts';
import { errorInMessage } from './failure.ts';
import { finishReasonOf, mergedUsage, refusalIn, usageOf } from './finish.ts';
import {
  createPlaces,
  redactedDetail,
  thinkingDetail,
  type Places,
  type Thought,
} from './reasoning.ts';

type Event = Readonly<Record<string, unknown>>;

export interface MessageStream extends Completeness {
  /** The chunks that an event comes to. Throws a GatewayError for one that fails, or that comes too early. */
  take(event: Event): Completion[];
  /** The chunk that comes after all others: what the message took. */
  usage(): Completion;
  /** Whether the upstream has said that there is no more. */
  isOver(): boolean;
}

export interface StreamedFor {
  readonly upstream: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
}

/** A block that has begun: where its deltas go. */
interface OpenBlock {
  /** Among the tool calls; null for other blocks. */
  readonly toolIndex: number | null;
  /** Among the message's blocks, for thinking. */
  readonly place: number;
  /** What a tool was given as it began: nothing from Anthropic, which sends it in pieces; all of it from others. */
  readonly input: unknown;
  hasInput: boolean;
  /** What has come of a thinking block; null for other blocks. */
  thought: Thought | null;
}

interface State extends StreamedFor {
  readonly places: Places;
  readonly open: Map<unknown, OpenBlock>;
  /** null until the message has begun. */
  id: string | null;
  counts: Readonly<Record<string, unknown>>;
  toolCalls: number;
  isFinished: boolean;
  isOver: boolean;
}

/** Kinds of events that are not here, such as ping, say nothing; more may come at any time. */
const HANDLERS: Readonly<Record<string, (state: State, event: Event) => Completion[]>> = {
  message_start: begin,
  content_block_start: beginBlock,
  content_block_delta: continueBlock,
  content_block_stop: endBlock,
  message_delta: finish,
  message_stop: end,
};

export function createMessageStream(streamedFor: StreamedFor): MessageStream {
  const state: State = {
    ...streamedFor,
    places: createPlaces(),
    open: new Map(),
    id: null,
    counts: {},
    toolCalls: 0,
    isFinished: false,
    isOver: false,
  };
  return {
    take(event) {
      const type = String(event['type']);
      if (type === 'error') throw errorInMessage(state.upstream, event);
      const handler = Object.hasOwn(HANDLERS, type) ? HANDLERS[type] : undefined;
      if (!handler) return [];
      if (state.id === null && type !== 'message_start') {
        throw protocolError(state.upstream, 'sent a part of a message that had not begun');
      }
      return handler(state, event);
    },
    usage: () => ({ ...chunkOf(state, []), usage: usageOf(state.counts) }),
    isComplete: () => state.isFinished,
    isOver: () => state.isOver,
  };
}

function chunkOf({ id, created, model }: State, choices: Completion['choices']): Completion {
  return { id: id ?? '', object: 'chat.completion.chunk', created, model, choices: choices ?? [] };
}

function say(state: State, delta: Readonly<Record<string, unknown>>): Completion[] {
  return [chunkOf(state, [{ index: 0, delta, finish_reason: null }])];
}

function begin(state: State, { message }: Event): Completion[] {
  const { id, usage } = isObject(message) ? message : {};
  state.id = typeof id === 'string' ? id : '';
  state.counts = mergedUsage(state.counts, usage);
  return say(state, { role: 'assistant', content: '' });
}

/** Blocks of other kinds come from tools that run at Anthropic, and no request here can ask for those. */
function beginBlock(state: State, { index, content_block: block }: Event): Completion[] {
  if (!isObject(block)) return [];
  const { type, id, name, input } = block;
  const isTool = type === 'tool_use';
  const isThinking = type === 'thinking' || type === 'redacted_thinking';
  const opened: OpenBlock = {
    toolIndex: isTool ? state.toolCalls++ : null,
    place: isTool || isThinking ? state.places.ofBlock() : -1,
    input,
    hasInput: false,
    thought: type === 'thinking' ? { text: '', signature: '' } : null,
  };
  state.open.set(index, opened);
  if (isTool) {
    const call = {
      index: opened.toolIndex,
      id,
      type: 'function',
      function: { name, arguments: '' },
    };
    return say(state, { tool_calls: [call] });
  }
  if (type === 'redacted_thinking') {
    return say(state, { reasoning_details: [redactedDetail(String(block['data']), opened.place)] });
  }
  return isThinking || type === 'text' ? sayPieces(state, block, opened) : [];
}

/** Citations, and deltas of kinds that are not known yet, say nothing that OpenAI's form has a place for. */
function continueBlock(state: State, { index, delta }: Event): Completion[] {
  const block = state.open.get(index);
  if (!block) throw protocolError(state.upstream, 'sent a piece of a block that had not begun');
  if (!isObject(delta)) return [];
  if (delta['type'] !== 'input_json_delta') return sayPieces(state, delta, block);
  return block.toolIndex === null ? [] : sayInput(state, delta['partial_json'], block);
}

/** Text, thinking and signature stand under these names in a block's beginning and in its deltas alike. */
function sayPieces(
  state: State,
  { text, thinking, signature }: Event,
  block: OpenBlock,
): Completion[] {
  if (isSaid(text)) {
    state.places.ofText();
    return say(state, { content: text });
  }
  if (!block.thought) return [];
  block.thought = {
    text: block.thought.text + (isSaid(thinking) ? thinking : ''),
    signature: block.thought.signature + (isSaid(signature) ? signature : ''),
  };
  if (block.thought.text.length + block.thought.signature.length > MAX_REPLY_BYTES) {
    throw protocolError(state.upstream, 'sent thinking beyond the size limit');
  }
  return isSaid(thinking) ? say(state, { reasoning_content: thinking }) : [];
}

function sayInput(state: State, json: unknown, block: OpenBlock): Completion[] {
  if (!isSaid(json)) return [];
  block.hasInput = true;
  return say(state, { tool_calls: [{ index: block.toolIndex, function: { arguments: json } }] });
}

/**
 * The detail of a thinking block is said once and whole: of many pieces, clients that do not know the member keep the
 * last, and a signature without its text would have their next request refused.
 */
function endBlock(state: State, { index }: Event): Completion[] {
  const block = state.open.get(index);
  state.open.delete(index);
  if (block?.thought) {
    return say(state, { reasoning_details: [thinkingDetail(block.thought, block.place)] });
  }
  if (!block || block.toolIndex === null || block.hasInput) return [];
  return sayInput(state, JSON.stringify(block.input ?? {}), block);
}

function finish(state: State, { delta, usage }: Event): Completion[] {
  state.counts = mergedUsage(state.counts, usage);
  const { stop_reason: reason, stop_details: details } = isObject(delta) ? delta : {};
  if (!isSaid(reason) || state.isFinished) return [];
  state.isFinished = true;
  const refusal = refusalIn(details);
  const last = {
    index: 0,
    delta: refusal === null ? {} : { refusal },
    finish_reason: finishReasonOf(reason),
    native_finish_reason: reason,
  };
  return [chunkOf(state, [last])];
}

function end(state: State): Completion[] {
  if (!state.isFinished) throw interruptedError(state.upstream);
  state.isOver = true;
  return [];
}

function isSaid(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
