// Images that are not inline, not images, or not for this model: refused with the exact part at fault, and nothing is
// ever fetched.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const PNG_BYTES = base64('89504e470d0a1a0a0000000d');
const PNG = `data:image/png;base64,${PNG_BYTES}`;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  const more = `
  text-only:
    modalities: { input: [text] }
    targets: [{ upstream: fake, model: fake-model }]`;
  gateway = await startGateway(configFor(upstream, more));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const part = (url: unknown) => ({ type: 'image_url', image_url: { url } });

/** Every place where an image can stand, with its path. */
const PLACES: [string, string, (url: string) => [path: string, body: object]][] = [
  [
    'a message of /v1',
    'messages[1].content[1].image_url.url',
    (url) => {
      const content = [{ type: 'text', text: 'look' }, part(url)];
      const messages = [
        { role: 'system', content: 'x' },
        { role: 'user', content },
      ];
      return ['/v1/chat/completions', { messages }];
    },
  ],
  [
    'a message of /v1 that is long',
    'messages[0].content[1].image_url.url',
    (url) => {
      const content = [{ type: 'text', text: 'look '.repeat(1_000) }, part(url)];
      return ['/v1/chat/completions', { messages: [{ role: 'user', content }] }];
    },
  ],
  [
    'the message of /c1',
    'message[0].image_url.url',
    (url) => ['/c1/chat', { message: [part(url)] }],
  ],
  [
    'the images of /c1',
    'images[1]',
    (url) => ['/c1/chat', { message: 'look', images: [PNG, url] }],
  ],
  [
    'a tool result of /c1',
    'tool_results[0].content[0].image_url.url',
    (url) => ['/c1/chat', { tool_results: [{ tool_call_id: 'c', content: [part(url)] }] }],
  ],
];

async function send(
  [path, body]: readonly [string, object],
  model = 'test-model',
): Promise<{ status: number; error: { code: string; param: string; message: string } }> {
  const response = await gateway.request(path, { body: { model, ...body } });
  return { status: response.status, ...((await response.json()) as { error: never }) };
}

describe.each(PLACES)('in %s', (_, param, requestWith) => {
  test.each([
    'http://127.0.0.1/a.png',
    'https://example.com/a.png',
    'HTTPS://example.com/a.png',
    'ftp://example.com/a.png',
    'file:///etc/passwd',
    '//example.com/a.png',
    '/a.png',
    'javascript:alert(1)',
    'blob:x',
    '',
    ' data:image/png;base64,AAAA',
  ])('%j is not taken, as it is not inline', async (url) => {
    const before = upstream.calls.length;
    expect(await send(requestWith(url))).toMatchObject({
      status: 400,
      error: { code: 'image_url_not_supported', param },
    });
    expect(upstream.calls.length).toBe(before);
  });

  test.each([
    ['without a comma', `data:image/png;base64${PNG_BYTES}`],
    ['with nothing after the comma', 'data:image/png;base64,'],
    ['with broken base64', `data:image/png;base64,${PNG_BYTES}!`],
    [
      'with base64 that is cut',
      `data:image/png;base64,${base64('89504e470d0a1a0a00')}`.slice(0, -1),
    ],
    ['with URL-safe base64', `data:image/png;base64,${PNG_BYTES}-_`],
    ['not marked as base64', `data:image/png,${PNG_BYTES}`],
    ['without a type', `data:;base64,${PNG_BYTES}`],
    ['of type text', `data:text/html;base64,${PNG_BYTES}`],
    ['of type svg', `data:image/svg+xml;base64,${btoa('<svg/>')}`],
    ['of a type whose bytes it does not have', `data:image/jpeg;base64,${PNG_BYTES}`],
    ['with the bytes of a page', `data:image/png;base64,${btoa('<html>')}`],
    ['shorter than a signature', `data:image/png;base64,${base64('89504e47')}`],
    ['that is RIFF but not WebP', `data:image/webp;base64,${base64('5249464600000000415649')}`],
  ])('an image %s cannot be read', async (_, url) => {
    const before = upstream.calls.length;
    const reply = await send(requestWith(url));
    expect(reply).toMatchObject({ status: 400, error: { code: 'image_decode_error', param } });
    expect(reply.error.message).toContain(param);
    expect(upstream.calls.length).toBe(before);
  });

  test('an image is not for a model that takes text alone', async () => {
    const reply = await send(requestWith(PNG), 'text-only');
    expect(reply).toMatchObject({ status: 400, error: { code: 'modality_not_supported' } });
    // The first image is the one that is named.
    expect(param.replace('images[1]', 'images[0]')).toStartWith(reply.error.param);
  });
});

test.each([
  ['image/png', '89504e470d0a1a0a'],
  ['image/jpeg', 'ffd8ffe0'],
  ['image/jpg', 'ffd8ffe0'],
  ['IMAGE/GIF', '474946383961'],
  ['image/webp', '52494646000000005745425056'],
  ['image/png;charset=utf-8', '89504e470d0a1a0a'],
])('a small %s is taken, and reaches the model as it came', async (type, hex) => {
  const url = `data:${type};base64,${base64(hex)}`;
  const response = await gateway.request('/v1/chat/completions', {
    body: { model: 'test-model', messages: [{ role: 'user', content: [part(url)] }] },
  });
  expect(response.status).toBe(200);
  await response.text();
  expect(upstream.calls.at(-1)?.body).toContain(url);
});

test('an image of 16 MB is taken', async () => {
  const bytes = Buffer.alloc(16 * 1024 * 1024, 7);
  bytes.set(Buffer.from('89504e470d0a1a0a', 'hex'));
  const url = `data:image/png;base64,${bytes.toString('base64')}`;
  for (const [path, body] of [
    ['/v1/chat/completions', { messages: [{ role: 'user', content: [part(url)] }] }],
    ['/c1/chat', { message: 'look', images: [url] }],
  ] as const) {
    const response = await gateway.request(path, { body: { model: 'test-model', ...body } });
    expect(response.status).toBe(200);
    await response.text();
    expect(upstream.calls.at(-1)?.body.includes(url)).toBe(true);
  }
});

test.each([
  [{ type: 'image_url' }, 'missing_field', 'messages[0].content[0].image_url'],
  [{ type: 'image_url', image_url: PNG }, 'invalid_field', 'messages[0].content[0].image_url'],
  [part(undefined), 'missing_field', 'messages[0].content[0].image_url.url'],
  [part(5), 'invalid_field', 'messages[0].content[0].image_url.url'],
  [{ type: 'input_audio' }, 'modality_not_supported', 'messages[0].content[0]'],
  [
    { type: 'video_url', video_url: { url: PNG } },
    'modality_not_supported',
    'messages[0].content[0]',
  ],
])('the part %j is refused', async (content, code, param) => {
  const messages = [{ role: 'user', content: [content] }];
  const reply = await send(['/v1/chat/completions', { messages }]);
  expect(reply).toMatchObject({ status: 400, error: { code, param } });
});
