// What tests of /c1 share: asking, reading the stream, and taking apart what the upstream was sent.
import { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { membersOf } from '../../src/json/members.ts';
import type { FakeUpstream, UpstreamCall } from './fake-upstream.ts';
import type { TestGateway, TestRequest } from './gateway.ts';

type Asked = Pick<TestGateway, 'request'>;

/** POST /c1/chat; the model is `test-model` unless the body says otherwise. */
export function chat(gateway: Asked, body: object, init: TestRequest = {}): Promise<Response> {
  return gateway.request('/c1/chat', { ...init, body: { model: 'test-model', ...body } });
}

export interface Reply {
  readonly conversation_id: string;
  readonly turn_id: string;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly message: {
        readonly content: string | null;
        readonly tool_calls?: readonly ToolCall[];
        readonly [member: string]: unknown;
      };
      readonly finish_reason: string;
    },
  ];
  readonly [member: string]: unknown;
}

export interface ToolCall {
  readonly id: string;
  readonly type: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A whole reply to a message that must succeed. */
export async function said(gateway: Asked, body: object): Promise<Reply> {
  const response = await chat(gateway, body);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${text}`);
  return JSON.parse(text) as Reply;
}

export interface GatewayFailure {
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly retryable: boolean;
}

export async function errorOf(response: Response): Promise<GatewayFailure> {
  return ((await response.json()) as { error: GatewayFailure }).error;
}

export interface Frame {
  readonly id: string | null;
  readonly data: string;
}

/** The events of a whole stream; comments are left out. */
export function framesOf(text: string): Frame[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const lines = block.split('\n');
      const field = (name: string) =>
        lines.find((line) => line.startsWith(name))?.slice(name.length) ?? null;
      return { id: field('id: '), data: field('data: ') ?? '' };
    });
}

/** The text deltas of a stream, joined. */
export function joinedText(frames: readonly Frame[]): string {
  return frames
    .filter(({ data }) => data.startsWith('{'))
    .map(({ data }) => {
      const { choices = [] } = JSON.parse(data) as {
        choices?: { delta: { content?: string | null } }[];
      };
      return choices[0]?.delta.content ?? '';
    })
    .join('');
}

/** Reads a stream until this text has come; the rest stays to be read from the reader. */
export async function readUntil(
  reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> },
  text: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let read = '';
  while (!read.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended before ${JSON.stringify(text)}: ${read}`);
    read += decoder.decode(value, { stream: true });
  }
  return read;
}

/** From now on calls are left without an answer; resolves with the first of them. */
export function holdCalls(upstream: Pick<FakeUpstream, 'script'>): Promise<UpstreamCall> {
  const { promise, resolve } = Promise.withResolvers<UpstreamCall>();
  upstream.script = resolve;
  return promise;
}

/** A member of the body that the upstream was sent, in the bytes in which it was sent; undefined where absent. */
export function sentMember({ body }: Pick<UpstreamCall, 'body'>, key: string): string | undefined {
  const member = membersOf(body).find((candidate) => candidate.key === key);
  return member && body.slice(member.valueStart, member.valueEnd);
}

/** The messages that the upstream was sent. */
export function sentMessages(call: Pick<UpstreamCall, 'body'> | undefined): SentMessage[] {
  return call ? (JSON.parse(sentMember(call, 'messages') ?? '[]') as SentMessage[]) : [];
}

export interface SentMessage {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
}

export interface StoredConversation {
  readonly id: string;
  readonly title: string | null;
  readonly head: string | null;
  readonly message_count: number;
  readonly messages: readonly (SentMessage & { readonly id: string; readonly parent: string })[];
  readonly [member: string]: unknown;
}

/** GET /c1/conversations/{id}, which must succeed. */
export async function conversation(
  gateway: Asked,
  id: string,
  query = '',
): Promise<StoredConversation> {
  const response = await gateway.request(`/c1/conversations/${id}${query}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${text}`);
  return JSON.parse(text) as StoredConversation;
}

export interface ShownTurn {
  readonly id: string;
  readonly status: string;
  readonly text: string;
  readonly output_node: string | null;
  readonly usage: {
    readonly cached_tokens: number | null;
    readonly expected_cached_tokens: number | null;
    readonly prefix_break: string | null;
    readonly [member: string]: unknown;
  };
  readonly [member: string]: unknown;
}

/** GET /c1/turns/{id}, which must succeed. */
export async function shownTurn(gateway: Asked, id: string, query = ''): Promise<ShownTurn> {
  const response = await gateway.request(`/c1/turns/${id}${query}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${text}`);
  return JSON.parse(text) as ShownTurn;
}

/** The ids on a reply to /c1/chat. */
export function idsOf({ headers }: Pick<Response, 'headers'>): { id: string; turn: string } {
  return {
    id: headers.get('x-conversation-id') ?? 'none',
    turn: headers.get('x-turn-id') ?? 'none',
  };
}

/** Rows of a gateway's database, read beside it. */
export function rows<T>({ directory }: { directory: string }, sql: string): T[] {
  using db = new Database(join(directory, 'gateway.db'), { readonly: true });
  return db.prepare<T, []>(sql).all();
}

/** A GIF that is told from others by its number: the smallest thing that counts as an image. */
export function gif(number: number): string {
  const bytes = Buffer.from([...Buffer.from('GIF89a'), 1, 0, 1, 0, 0, 0, 0, 0x3b, 0, number]);
  return `data:image/gif;base64,${bytes.toString('base64')}`;
}
