// The playground in a real browser: stopping, resuming, branches, pictures and tools.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import { holdCalls } from './harness/c1.ts';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { beginSse, chunk, replySse, sse, streamOf } from './harness/fake-upstream.ts';
import { openPlayground } from './harness/playground.ts';

// A browser on a busy machine takes its time.
setDefaultTimeout(60_000);

let demo: DemoGateway;
let browser: TestBrowser;
beforeAll(async () => {
  demo = await startDemoGateway();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await demo.close();
});
const open = (options = {}) => openPlayground(browser, demo.gateway, options);

/** A page whose question the upstream holds. */
async function asked() {
  const playground = await open();
  await playground.choose('flaky');
  const held = holdCalls(demo.flaky);
  await playground.ask('Tell me.');
  const call = await held;
  const finish = async (...words: string[]) => {
    await call.send(streamOf(words).slice(1).map(sse).join(''));
    call.end();
  };
  const begin = async (word: string) => {
    await beginSse(call);
    await call.send(sse(chunk({ content: word })));
  };
  return { ...playground, call, begin, finish };
}

describe('an answer on its way', () => {
  test('is stopped with Escape, in the gateway too, and kept as far as it came', async () => {
    const { page, call, begin, answers, complaints, close } = await asked();
    await begin('The beginning');
    await answers.getByText('The beginning').waitFor();
    await page.keyboard.press('Escape');
    await call.closed;
    await page.getByText('Stopped here.').waitFor();
    expect(await answers.last().locator('.prose').innerText()).toBe('The beginning');
    expect(complaints).toEqual([]);
    await close();
  });

  test('comes whole after a reload in its middle, once', async () => {
    const { page, begin, finish, answers, complaints, close } = await asked();
    await begin('one ');
    await answers.getByText('one').waitFor();
    await page.reload();
    await answers.getByText('one').waitFor();
    await finish('two ', 'three');
    await page.getByRole('button', { name: 'Answer again' }).waitFor();
    expect(await answers.locator('.prose').allInnerTexts()).toEqual(['one two three']);
    expect(complaints).toEqual([]);
    await close();
  });

  test('is found again after a reload before its first word, and asked for once', async () => {
    const before = demo.flaky.calls.length;
    const { page, call, finish, answers, close } = await asked();
    await page.reload();
    await page.getByRole('article', { name: 'Question' }).getByText('Tell me.').waitFor();
    await beginSse(call);
    await finish('late');
    await answers.getByText('late').waitFor();
    await page.getByRole('button', { name: 'Answer again' }).waitFor();
    expect(demo.flaky.calls.length - before).toBe(1);
    await close();
  });

  test('draws a finished block once, and announces its end instead of its words', async () => {
    const { page, call, begin, finish, answers, close } = await asked();
    await begin('```js\nconst a = 1;\n```\nThe last');
    const first = await answers.locator('figure.code').first().elementHandle();
    expect(await page.getByRole('status').innerText()).toBe('The model is answering.');
    await call.send(sse(chunk({ content: ' block grows' })));
    await answers.getByText('The last block grows').waitFor();
    await finish(' on.');
    await page.getByRole('button', { name: 'Answer again' }).waitFor();
    const last = await answers.locator('figure.code').first().elementHandle();
    expect(await page.evaluate(([one, other]) => one === other, [first, last])).toBe(true);
    await answers.locator('.hljs-keyword').waitFor();
    expect(await page.getByRole('status').innerText()).toBe('The answer is complete.');
    await close();
  });

  test('that fails is told under its question, which a reload shows again', async () => {
    const { page, call, begin, answers, close } = await asked();
    await begin('half');
    await answers.getByText('half').waitFor();
    call.reset();
    const note = page.getByRole('region', { name: 'Error' });
    await note.getByRole('button', { name: 'Try again' }).waitFor();
    await page.reload();
    await note.getByRole('link').waitFor();
    demo.flaky.script = (next) => replySse(next, streamOf(['whole']));
    await note.getByRole('button', { name: 'Try again' }).click();
    await answers.getByText('whole').waitFor();
    await note.waitFor({ state: 'detached' });
    await close();
  });
});

describe('a branch', () => {
  test('comes of answering again and of editing, and the gateway goes on with the one shown', async () => {
    const { page, choose, press, talk, close } = await open();
    await choose('flaky');
    let answers = 0;
    demo.flaky.script = (call) => replySse(call, streamOf([`answer ${++answers}`]));
    await talk('one');
    await press('Answer again');
    await page.getByRole('group', { name: 'Version 2 of 2' }).getByLabel('Version before').focus();
    const moved = page.waitForResponse((response) => response.request().method() === 'PATCH');
    await page.keyboard.press('Enter');
    await moved;
    await page.getByText('answer 1').waitFor();
    await talk('two');
    expect(demo.flaky.calls.at(-1)?.body).toContain('answer 1');
    await page.getByLabel('Your message').press('ArrowUp');
    expect(await page.getByLabel('Your message').inputValue()).toBe('two');
    await page.getByLabel('Your message').fill('two, edited');
    await page.keyboard.press('Enter');
    await page.getByText('answer 4').waitFor();
    await page.getByRole('group', { name: 'Version 2 of 2' }).nth(0).waitFor();
    await page.reload();
    await page.getByText('answer 4').waitFor();
    expect(await page.getByRole('article', { name: 'Question' }).allInnerTexts()).toEqual([
      'one',
      expect.stringContaining('two, edited'),
    ]);
    await close();
  });
});

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe('a picture', () => {
  test('is dropped, taken away, chosen and seen; what is no picture is refused', async () => {
    const { page, talk, answers, complaints, close } = await open();
    const dropped = await page.evaluateHandle(`(() => {
      const bytes = Uint8Array.fromBase64('${PNG.toString('base64')}');
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], 'dot.png', { type: 'image/png' }));
      transfer.items.add(new File(['x'], 'notes.txt', { type: 'text/plain' }));
      return transfer;
    })()`);
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await page.getByText('dot.png').waitFor();
    await page.getByRole('alert').getByText('notes.txt is text/plain').waitFor();
    await page.getByRole('button', { name: 'Remove dot.png' }).click();
    expect(await page.getByText('dot.png').count()).toBe(0);
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer: PNG });
    await page.getByText('one.png').waitFor();
    await page.evaluate(`(() => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(['GIF89a'], 'pasted.gif', { type: 'image/gif' }));
      const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true });
      document.querySelector('#composer').dispatchEvent(paste);
    })()`);
    await page.getByRole('button', { name: 'Remove pasted.gif' }).click();
    expect(await talk('What is in this image?')).toContain('1 x 1');
    const question = page.getByRole('article', { name: 'Question' });
    expect(await question.getByRole('img').getAttribute('src')).toStartWith('data:image/png');
    expect(await answers.count()).toBe(1);
    expect(complaints).toEqual([]);
    await close();
  });
});

test('a picture that the model drew is shown, and larger when it is asked for', async () => {
  const { page, choose, talk, answers, violations, complaints, close } = await open();
  await choose('flaky');
  const url = `data:image/png;base64,${PNG.toString('base64')}`;
  const images = [{ type: 'image_url', image_url: { url } }];
  const [role = '', ...rest] = streamOf(['Here it is.']);
  demo.flaky.script = (call) => replySse(call, [role, chunk({ images }), ...rest]);
  await talk('Draw a dot.');
  await answers.getByRole('button', { name: 'Picture 1, larger' }).click();
  const download = page.getByRole('dialog').getByRole('link', { name: 'Download' });
  expect(await download.getAttribute('href')).toBe(url);
  expect(await violations()).toEqual([]);
  expect(complaints).toEqual([]);
  await close();
});

describe('a tool', () => {
  test('is defined, called by the model, played by the reader, and answered from', async () => {
    const { page, press, ask, answers, complaints, violations, close } = await open();
    await press('Settings');
    await press('Add a function');
    await page.getByLabel(/^Parameters/).fill('{');
    await press('Add');
    await page.getByRole('alert').getByText('The schema is not JSON').waitFor();
    await page
      .getByLabel(/^Parameters/)
      .fill('{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}');
    expect(await violations()).toEqual([]);
    await press('Add');
    await page.getByRole('button', { name: 'get_weather', exact: true }).waitFor();
    await ask('What is the weather in Paris?');
    await page.getByRole('region', { name: 'Call of get_weather' }).getByText('Paris').waitFor();
    await page.getByLabel('Result of get_weather').fill('{"temperature": 21}');
    expect(await violations()).toEqual([]);
    await press('Send the result');
    await answers.nth(1).getByText('temperature: 21').waitFor();
    await page.reload();
    await answers.nth(1).getByText('temperature: 21').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
