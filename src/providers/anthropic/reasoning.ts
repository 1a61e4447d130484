// Thinking in both directions. Outwards it is text to read (`reasoning_content`) and an entry of `reasoning_details` for
// each block, in OpenRouter's form. Whoever sends the entries back, whole as they are here or in the fragments that
// others make of them, has the same blocks sent again, signature included: Anthropic verifies them.
import { isObject } from '../../json/document.ts';
import { blockOf, type Block } from './block.ts';

const FORMAT = 'anthropic-claude-v1';

export interface Thought {
  readonly text: string;
  /** Empty where the upstream gives none; such a block cannot go back. */
  readonly signature: string;
}

/** `place` is the block's in its message. */
export function thinkingDetail({ text, signature }: Thought, place: number): object {
  const signed = signature === '' ? {} : { signature };
  return { type: 'reasoning.text', text, ...signed, format: FORMAT, index: place };
}

export function redactedDetail(data: string, place: number): object {
  return { type: 'reasoning.encrypted', data, format: FORMAT, index: place };
}

export interface Places {
  ofText(): void;
  /** The place of a thinking block or a tool call. */
  ofBlock(): number;
}

/**
 * Gives each block of an answer the place that it will have when the answer is sent back, where all of its text is one
 * block: so thinking that came between tool calls can go between them again.
 */
export function createPlaces(): Places {
  let next = 0;
  let hasText = false;
  return {
    ofText() {
      if (!hasText) next++;
      hasText = true;
    },
    ofBlock: () => next++,
  };
}

export interface PlacedBlock {
  readonly block: Block;
  readonly place: number;
}

/**
 * The thinking blocks that `reasoning_details` hold, in their places. Entries of other models' reasoning are not
 * Anthropic's to read, and a block without a signature was cut off: neither is sent.
 */
export function thinkingBlocks(details: unknown): PlacedBlock[] {
  return mergedDetails(details).flatMap(({ type, text, signature, data, place }) => {
    if (type === 'reasoning.encrypted' && data !== '') {
      return [{ place, block: blockOf({ type: 'redacted_thinking', data }) }];
    }
    if (type !== 'reasoning.text' || signature === '') return [];
    return [{ place, block: blockOf({ type: 'thinking', thinking: text, signature }) }];
  });
}

interface Detail {
  readonly type: unknown;
  readonly index: unknown;
  readonly place: number;
  text: string;
  signature: string;
  data: string;
}

/** One entry for each block: a stream's fragments share type and index; entries without an index are whole. */
function mergedDetails(details: unknown): Detail[] {
  const merged: Detail[] = [];
  for (const entry of Array.isArray(details) ? details : []) {
    if (!isObject(entry) || entry['format'] !== FORMAT) continue;
    const { type, index } = entry;
    const isNumbered = typeof index === 'number';
    let detail = isNumbered
      ? merged.find((known) => known.type === type && known.index === index)
      : undefined;
    if (!detail) {
      const place = isNumbered ? index : merged.length;
      detail = { type, index, place, text: '', signature: '', data: '' };
      merged.push(detail);
    }
    detail.text += stringOf(entry['text']);
    detail.signature += stringOf(entry['signature']);
    detail.data += stringOf(entry['data']);
  }
  return merged.toSorted((a, b) => a.place - b.place);
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
