// What the official OpenAI SDK makes of what goes wrong: the error class, our code, and whether it tries again.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { beginSse, chunk, completion, replyJson, sse } from './harness/fake-upstream.ts';
import { TOKEN } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';

let demo: DemoGateway;
let client: OpenAI;
beforeAll(async () => {
  demo = await startDemoGateway();
  client = clientWith({});
});
afterAll(() => demo.close());

function clientWith(options: ConstructorParameters<typeof OpenAI>[0] & object): OpenAI {
  return new OpenAI({ baseURL: `${demo.gateway.url}/v1`, apiKey: TOKEN, ...options });
}

const QUESTION = [{ role: 'user' as const, content: 'What is the capital of France?' }];

describe('what goes wrong is, to the OpenAI SDK,', () => {
  const failure = async (
    call: PromiseLike<unknown>,
  ): Promise<InstanceType<typeof OpenAI.APIError>> => {
    try {
      await call;
    } catch (error) {
      if (error instanceof OpenAI.APIError) return error;
      throw error;
    }
    throw new Error('it did not fail');
  };
  const once = () => clientWith({ maxRetries: 0 }).chat.completions;

  test('an AuthenticationError for a wrong key', async () => {
    const error = await failure(clientWith({ apiKey: 'wrong' }).models.list());
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_authorization' });
    expect(error.requestID).toMatch(/^req_/);
  });

  test('a BadRequestError with code and param for a bad field', async () => {
    const messages = [
      {
        role: 'user' as const,
        content: [{ type: 'image_url' as const, image_url: { url: 'https://x/y.png' } }],
      },
    ];
    const error = await failure(client.chat.completions.create({ model: 'demo', messages }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({
      status: 400,
      code: 'image_url_not_supported',
      param: 'messages[0].content[0].image_url.url',
      type: 'invalid_request_error',
    });
  });

  test('a BadRequestError for a prompt that is too long', async () => {
    demo.flaky.script = (call) =>
      replyJson(call, fixture('vllm-context-overflow').toString(), { status: 400 });
    const error = await failure(
      client.chat.completions.create({ model: 'flaky', messages: QUESTION }),
    );
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error.code).toBe('context_length_exceeded');
  });

  test('a NotFoundError for a model that is not served', async () => {
    const error = await failure(client.models.retrieve('nope'));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error.code).toBe('model_not_found');
  });

  test('a RateLimitError, and a 502 that is an InternalServerError', async () => {
    demo.flaky.script = (call) => replyJson(call, { error: { message: 'later' } }, { status: 429 });
    const limited = await failure(once().create({ model: 'flaky', messages: QUESTION }));
    expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
    expect(limited.code).toBe('upstream_rate_limited');
    demo.flaky.script = (call) => replyJson(call, '<html>', { status: 500 });
    const failed = await failure(once().create({ model: 'flaky', messages: QUESTION }));
    expect(failed).toBeInstanceOf(OpenAI.InternalServerError);
    expect(failed.code).toBe('upstream_unavailable');
  });

  test('an APIError with our code when a stream breaks off, after what had come', async () => {
    demo.flaky.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ role: 'assistant', content: 'Hello' })));
      call.end();
    };
    let text = '';
    const error = await failure(
      (async () => {
        const stream = await once().create({ model: 'flaky', messages: QUESTION, stream: true });
        for await (const event of stream) text += event.choices[0]?.delta.content ?? '';
      })(),
    );
    expect(text).toBe('Hello');
    expect(error.code).toBe('upstream_interrupted');
  });

  test('retried after the time that we name, and at once no more when we say so', async () => {
    let refusals = 2;
    demo.flaky.script = (call) =>
      refusals-- > 0
        ? replyJson(
            call,
            { error: { message: 'busy' } },
            { status: 503, headers: { 'retry-after': '0.05' } },
          )
        : replyJson(call, completion('at last'));
    const before = demo.flaky.calls.length;
    const { choices } = await client.chat.completions.create({
      model: 'flaky',
      messages: QUESTION,
    });
    expect(choices[0]?.message.content).toBe('at last');
    expect(demo.flaky.calls).toHaveLength(before + 3);

    demo.flaky.script = (call) => replyJson(call, { error: { message: 'no' } }, { status: 401 });
    const refused = await failure(
      client.chat.completions.create({ model: 'flaky', messages: QUESTION }),
    );
    expect(refused).toMatchObject({ status: 502, code: 'upstream_auth_failed' });
    expect(demo.flaky.calls).toHaveLength(before + 4);
  });
});
