// What the playground knows of a conversation's messages: OpenAI's shapes, as the gateway gives and takes them.

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}
export interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string };
}
export type Part = TextPart | ImagePart;

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string | readonly Part[] | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  /** Pictures that the model drew. */
  readonly images?: readonly ImagePart[];
  /** What the model thought, under one of the two names that engines have for it. */
  readonly reasoning_content?: string;
  readonly reasoning?: string;
}

/** A message in its place in the tree of branches. */
export interface MessageNode extends Message {
  readonly id: string;
  readonly parent: string | null;
}

export function textOf({ content }: Pick<Message, 'content'>): string {
  if (content === null) return '';
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

/** The addresses of all its pictures, asked with or drawn. */
export function imagesOf({ content, images = [] }: Pick<Message, 'content' | 'images'>): string[] {
  const asked = Array.isArray(content) ? (content as readonly Part[]) : [];
  return [...asked, ...images].flatMap((part) =>
    part.type === 'image_url' ? [part.image_url.url] : [],
  );
}

export function reasoningOf({ reasoning_content, reasoning }: Message): string {
  return reasoning_content ?? reasoning ?? '';
}

/** A user's message, with its pictures behind the text. */
export function question(text: string, images: readonly string[]): Message {
  if (images.length === 0) return { role: 'user', content: text };
  const parts: Part[] = images.map((url) => ({ type: 'image_url', image_url: { url } }));
  return {
    role: 'user',
    content: text === '' ? parts : [{ type: 'text', text }, ...parts],
  };
}
