// The conversation: what the system says goes on top, neighbours of one role become one message. Each message comes
// out as the same blocks whatever follows it, so that every prompt of a conversation begins with the one before.
import { isObject } from '../../json/document.ts';
import { blockOf, withMarkOf, type Block } from './block.ts';
import { contentBlocks, imageBlock, spokenBlocks, textBlocks } from './content.ts';
import { thinkingBlocks, type PlacedBlock } from './reasoning.ts';
import { invalid, lacks } from './refusal.ts';
import { toolResultBlock, toolUseBlocks } from './tools.ts';

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly blocks: readonly Block[];
}

export interface Conversation {
  readonly system: readonly Block[];
  readonly turns: readonly Turn[];
}

export function conversationOf(messages: unknown): Conversation {
  if (!Array.isArray(messages)) throw invalid('messages', 'must be a list of messages');
  const system: Block[] = [];
  const turns: { role: Turn['role']; blocks: Block[] }[] = [];
  const add = (role: Turn['role'], blocks: readonly Block[]) => {
    if (blocks.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocks);
    else turns.push({ role, blocks: [...blocks] });
  };
  messages.forEach((message: unknown, index) => {
    const path = `messages[${index}]`;
    if (!isObject(message)) throw invalid(path, 'must be an object');
    switch (message['role']) {
      case 'system':
      case 'developer': {
        const said = marked(spokenBlocks(message['content'], `${path}.content`), message);
        if (turns.length === 0) system.push(...said);
        else add('user', said.map(asInstruction));
        return;
      }
      case 'user':
        add('user', marked(contentBlocks(message['content'], `${path}.content`), message));
        return;
      case 'assistant':
        add('assistant', marked(answerBlocks(message, path), message));
        add('user', drawnBlocks(message['images'], `${path}.images`));
        return;
      case 'tool':
        add('user', marked([toolResultBlock(message, path)], message));
        return;
      default:
        throw lacks(`${path}.role`, `knows no role ${JSON.stringify(message['role'])}`);
    }
  });
  return { system, turns: turns.map(resultsFirst) };
}

/** A mark on a whole message means its end. */
function marked(blocks: readonly Block[], message: Readonly<Record<string, unknown>>): Block[] {
  return blocks.map((block, index) =>
    index === blocks.length - 1 ? withMarkOf(block, message) : block,
  );
}

/**
 * Only the newest models take a system message amid a conversation, and moving it to the top would change the prompt's
 * beginning. In a user's message, in a tag of its own, every model reads it at its place.
 */
function asInstruction(block: Block): Block {
  const { text } = JSON.parse(block.json) as { text: string };
  return { ...block, ...blockOf({ type: 'text', text: `<system>\n${text}\n</system>` }) };
}

/** Anthropic wants the results of tools before anything else that the user's message holds. */
function resultsFirst({ role, blocks }: Turn): Turn {
  const results = blocks.filter(({ type }) => type === 'tool_result');
  if (results.length === 0) return { role, blocks };
  return { role, blocks: [...results, ...blocks.filter(({ type }) => type !== 'tool_result')] };
}

/** Text and tool calls in the order in which they came, with the thinking in its places among them. */
function answerBlocks(message: Readonly<Record<string, unknown>>, path: string): Block[] {
  if (isObject(message['audio'])) throw lacks(`${path}.audio`, 'takes no audio');
  const { content, refusal } = message;
  const said = spokenBlocks(content, `${path}.content`);
  const text = typeof refusal === 'string' ? [...said, ...textBlocks(refusal)] : said;
  const calls = toolUseBlocks(message['tool_calls'], `${path}.tool_calls`);
  // Blank text is not sent, but it had a place.
  const hadText = text.length > 0 || (typeof content === 'string' && content !== '');
  const visible = [...(hadText ? [text] : []), ...calls.map((call) => [call])];
  return inPlaces(visible, thinkingBlocks(message['reasoning_details']));
}

/**
 * Where a client has lost some of the thinking, the places of the rest say nothing any more: it goes first. Thinking
 * that nothing follows is left out: Anthropic takes no message that ends with it.
 */
function inPlaces(
  visible: readonly (readonly Block[])[],
  thinking: readonly PlacedBlock[],
): Block[] {
  const count = visible.length + thinking.length;
  const hasGaps = thinking.some(({ place }) => place >= count);
  const placeOf = (block: PlacedBlock) => (hasGaps ? 0 : block.place);
  const blocks: Block[] = [];
  let used = 0;
  visible.forEach((group, index) => {
    let next = thinking[used];
    while (next && placeOf(next) <= index + used) {
      blocks.push(next.block);
      next = thinking[++used];
    }
    blocks.push(...group);
  });
  return blocks.slice(0, blocks.findLastIndex(({ type }) => !type.endsWith('thinking')) + 1);
}

/** An assistant's message holds no images here: what a model drew is shown in the user's message after it. */
function drawnBlocks(images: unknown, path: string): Block[] {
  if (!Array.isArray(images) || images.length === 0) return [];
  return [
    ...textBlocks('<drawn-by-assistant>'),
    ...images.map((image: unknown, index) =>
      imageBlock(isObject(image) ? image : {}, `${path}[${index}]`),
    ),
    ...textBlocks('</drawn-by-assistant>'),
  ];
}
