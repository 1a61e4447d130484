// Asking /v1 and reading what comes back, byte for byte.
import type { Frame } from './c1.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import type { TestGateway } from './gateway.ts';

export const USER = { role: 'user', content: 'hi' };

interface AskOptions {
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Posts a chat completion; `body` is sent as it is when it is text, else with model and messages filled in. */
export function ask(
  gateway: Pick<TestGateway, 'request'>,
  body: string | object = {},
  options: AskOptions = {},
): Promise<Response> {
  return gateway.request('/v1/chat/completions', {
    ...options,
    body: typeof body === 'string' ? body : { model: 'test-model', messages: [USER], ...body },
  });
}

export function askStream(
  gateway: Pick<TestGateway, 'request'>,
  body: object = {},
  options: AskOptions = {},
): Promise<Response> {
  return ask(gateway, { stream: true, ...body }, options);
}

/** The data of each event of a stream, and its comments with their colon, in order. */
export function eventsIn(text: string): string[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => block.replace(/^data: /, ''));
}

export interface ErrorBody {
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly retryable: boolean;
  readonly request_id: string;
}

export function errorIn(json: string): ErrorBody {
  return (JSON.parse(json) as { error: ErrorBody }).error;
}

export interface StreamEnd {
  /** The code of the error that ended it; null where it was completed. */
  readonly error: string | null;
  /** What is wrong with how it ends: a stream has one end, and nothing follows it. */
  readonly malformed: string | null;
}

export function endOf(frames: readonly Frame[]): StreamEnd {
  const isError = ({ data }: Frame) => data.startsWith('{"error":');
  const ends = frames.filter((frame) => frame.data === '[DONE]' || isError(frame));
  const last = frames.at(-1);
  const malformed =
    ends.length === 1 && ends[0] === last
      ? null
      : `a stream with ${ends.length} ends, the last event being ${last?.data ?? 'nothing'}`;
  return { error: last && isError(last) ? errorIn(last.data).code : null, malformed };
}

/** `configFor` with more about the upstream and the model, each as the inside of a YAML flow mapping. */
export function configWith(
  { url }: Pick<FakeUpstream, 'url'>,
  { upstream = '', model = '', rest = '' }: { upstream?: string; model?: string; rest?: string },
): string {
  return `
catalogue: replace
upstreams:
  fake: { kind: openai, base_url: ${url}, api_key: upstream-secret-key, ${upstream} }
models:
  test-model: { ${model} modalities: { input: [text, image] }, targets: [{ upstream: fake, model: fake-model }] }
${rest}`;
}
