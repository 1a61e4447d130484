// Images in conversations: kept once, and shown to the model again, byte for byte, every turn.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chat, conversation, errorOf, gif, rows, said, sentMessages } from './harness/c1.ts';
import {
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(
    configFor(
      upstream,
      '  blind: { capabilities: { vision: false }, modalities: { input: [text] }, targets: [{ upstream: fake, model: b }] }',
    ),
  );
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const lastPrompt = () => sentMessages(upstream.calls.at(-1));

describe('images', () => {
  const part = (url: string) => ({ type: 'image_url', image_url: { url } });

  test('go upstream as the identical data URI every turn, text first', async () => {
    const { conversation_id } = await said(gateway, {
      message: 'What is this?',
      images: [gif(1), gif(2)],
    });
    const content = [{ type: 'text', text: 'What is this?' }, part(gif(1)), part(gif(2))];
    expect(lastPrompt()).toEqual([{ role: 'user', content }]);
    await said(gateway, { conversation_id, message: 'And now?', images: [gif(3)] });
    await said(gateway, { conversation_id, images: [gif(1)] });
    expect(lastPrompt().map((message) => message.content)).toEqual([
      content,
      'ok',
      [{ type: 'text', text: 'And now?' }, part(gif(3))],
      'ok',
      [part(gif(1))],
    ]);
    const { messages } = await conversation(gateway, conversation_id);
    expect(messages[0]?.content).toEqual(content);
    expect(messages[4]?.content).toEqual([part(gif(1))]);
  });

  test('given as parts keep what else the part says, and stand before those in images', async () => {
    const detailed = { type: 'image_url', image_url: { url: gif(4), detail: 'low' }, note: 'x' };
    const message = [detailed, { type: 'text', text: 'Compare.' }];
    const { conversation_id } = await said(gateway, { message, images: [gif(5)] });
    expect(lastPrompt()[0]?.content).toEqual([...message, part(gif(5))]);
    await said(gateway, { conversation_id, message: 'Well?' });
    expect(lastPrompt()[0]?.content).toEqual([...message, part(gif(5))]);
  });

  test('are stored once, however often they are shown, and go with their last conversation', async () => {
    const blobs = () => rows<{ count: number }>(gateway, 'SELECT count(*) AS count FROM blob');
    const [before] = blobs();
    const first = await said(gateway, { message: 'x', images: [gif(6), gif(6)] });
    await said(gateway, { conversation_id: first.conversation_id, images: [gif(6)] });
    const second = await said(gateway, { message: 'y', images: [gif(6)] });
    expect(blobs()[0]?.count).toBe((before?.count ?? 0) + 1);

    await gateway.request(`/c1/conversations/${first.conversation_id}`, { method: 'DELETE' });
    await said(gateway, { conversation_id: second.conversation_id, message: 'still there?' });
    expect(lastPrompt()[0]?.content).toEqual([{ type: 'text', text: 'y' }, part(gif(6))]);
    await gateway.request(`/c1/conversations/${second.conversation_id}`, { method: 'DELETE' });
    expect(blobs()).toEqual([before as { count: number }]);
  });

  test('are one image in one spelling, however their type is spelt', async () => {
    const other = gif(7).replace('image/gif', 'image/GIF');
    const { conversation_id } = await said(gateway, { images: [gif(7), other] });
    await said(gateway, { conversation_id, message: 'x' });
    expect(lastPrompt()[0]?.content).toEqual([part(gif(7)), part(gif(7))]);
  });

  test('that an upstream draws are in the reply and in the conversation', async () => {
    const images = [{ ...part(gif(8)), index: 0 }];
    const reply = completion('', {
      choices: [
        { index: 0, message: { role: 'assistant', content: '', images }, finish_reason: 'stop' },
      ],
    });
    upstream.script = (asked) => replyJson(asked, reply);
    const drawn = await said(gateway, { message: 'draw' });
    expect(drawn.choices[0].message['images']).toEqual(images);
    const { messages } = await conversation(gateway, drawn.conversation_id);
    expect(messages[1]).toMatchObject({ role: 'assistant', images });
  });

  test.each([
    [{ images: ['https://example.com/a.png'] }, 'image_url_not_supported', 'images[0]'],
    [{ images: [gif(1), 'data:image/gif;base64,AAAA'] }, 'image_decode_error', 'images[1]'],
    [{ message: [part('http://x/')] }, 'image_url_not_supported', 'message[0].image_url.url'],
    [{ message: 'x', images: [7] }, 'invalid_field', 'images[0]'],
    [{ images: [gif(1)], model: 'blind' }, 'modality_not_supported', 'images[0]'],
    [{ message: [part(gif(1))], model: 'blind' }, 'modality_not_supported', 'message[0]'],
    [
      { tool_results: [{ tool_call_id: 'a', content: [part('nothing')] }] },
      'image_url_not_supported',
      'tool_results[0].content[0].image_url.url',
    ],
  ])('%j is refused by the name of its field', async (body, code, param) => {
    const response = await chat(gateway, body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code, param });
  });
});
