// The playground in a real browser: signing in, talking with memory and without, and what a page may load.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import { sentMember, sentMessages } from './harness/c1.ts';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { configFor, replyJson, replySse, streamOf } from './harness/fake-upstream.ts';
import { startGateway, TOKEN } from './harness/gateway.ts';
import { openPlayground, signIn } from './harness/playground.ts';

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

/** A status that is no success is on the browser's console, whatever the page makes of it. */
const REFUSED =
  /^console error: Failed to load resource: the server responded with a status of \d+/;

describe('signing in', () => {
  test('says what is wrong with a wrong token, and keeps a right one for the tab only', async () => {
    const { page, complaints, violations, close } = await browser.open(
      `${demo.gateway.url}/playground`,
    );
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('does not know this token').waitFor();
    expect(await violations()).toEqual([]);
    await signIn(page);
    const kept = 'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])';
    expect(await page.evaluate(kept)).toContain(TOKEN);
    expect(await page.evaluate('JSON.stringify(localStorage) + document.cookie')).not.toContain(
      TOKEN,
    );
    await page.reload();
    await page.getByPlaceholder('Message demo').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate(kept)).not.toContain(TOKEN);
    expect(complaints.filter((complaint) => !REFUSED.test(complaint))).toEqual([]);
    expect(complaints).toHaveLength(1);
    await close();
  });

  test('loads less than 150 KB before the first question, scripts, styles and font', async () => {
    const { page, close } = await open();
    const sizes = await page.evaluate<number[]>(
      `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .map(({ transferSize }) => transferSize)`,
    );
    expect(sizes.length).toBeGreaterThan(5);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
    await close();
  });
});

describe('with memory', () => {
  test('the model is asked with the conversation, which has its own address', async () => {
    const { page, talk, answers, complaints, violations, close } = await open();
    expect(await talk('My favourite colour is teal.')).toContain('teal');
    expect(await talk('What is my favourite colour?')).toBe('Your favourite colour is teal.');
    expect(new URL(page.url()).hash).toMatch(/^#conv_/);
    const about = answers.last().getByRole('list', { name: 'About this answer' });
    expect(await about.innerText()).toMatch(/demo[^]*to first token[^]*reused/);
    await page.getByRole('button', { name: /^My favourite colour is teal/ }).waitFor();
    await page.reload();
    await answers.nth(1).waitFor();
    expect(await about.innerText()).toMatch(/demo[^]*to first token[^]*reused/);
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('what is set goes with the request, and what cannot go is said', async () => {
    const { page, choose, press, talk, close } = await open();
    await choose('flaky');
    demo.flaky.script = (call) => replySse(call, streamOf(['{"a":1}']));
    await press('Settings');
    await page.getByLabel('System prompt').fill('Be brief.');
    await page.getByLabel('Temperature').fill('0.5');
    await page.getByLabel('Most tokens').fill('7');
    await page.getByLabel('Seed').fill('42');
    await page.getByLabel(/^Stop at/).fill('END\nSTOP');
    await page.getByText('JSON', { exact: true }).click();
    await talk('hello');
    expect(JSON.parse(await page.locator('.code code').innerText())).toEqual({ a: 1 });
    const call = demo.flaky.calls.at(-1) ?? { body: '{}' };
    expect(JSON.parse(call.body)).toMatchObject({
      temperature: 0.5,
      max_tokens: 7,
      seed: 42,
      stop: ['END', 'STOP'],
      response_format: { type: 'json_object' },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hello' },
      ],
    });
    expect(await page.getByLabel('System prompt').isDisabled()).toBe(true);
    await page.getByLabel('Temperature').fill('hot');
    await page.getByLabel('Your message').fill('again');
    await press('Send');
    await page.getByRole('alert').getByText('Temperature has to be a number').waitFor();
    await close();
  });
});

test('a limit that the gateway raised is told beside the answer', async () => {
  const floored = '    min_max_tokens: 200\n';
  const gateway = await startGateway(configFor(demo.flaky, floored));
  const { page, press, talk, close } = await openPlayground(browser, gateway);
  demo.flaky.script = (call) => replySse(call, streamOf(['thought']));
  await press('Settings');
  await page.getByText('This model gets at least 200 tokens').waitFor();
  await page.getByLabel('Most tokens').fill('7');
  await talk('think');
  await page.getByText('The gateway raised max_tokens to 200').waitFor();
  await close();
  await gateway.close();
});

describe('without memory', () => {
  test('the page sends the whole history, and goes on from the branch that is shown', async () => {
    const { page, choose, press, talk, close } = await open();
    await choose('flaky');
    await page.getByText('Raw', { exact: true }).click();
    let answers = 0;
    demo.flaky.script = (call) => replySse(call, streamOf([`answer ${++answers}`]));
    await talk('one');
    await talk('two');
    const asked = () => sentMessages(demo.flaky.calls.at(-1)).map(({ content }) => content);
    expect(asked()).toEqual(['one', 'answer 1', 'two']);
    expect(sentMember(demo.flaky.calls.at(-1) ?? { body: '{}' }, 'stream')).toBe('true');
    await page.getByRole('button', { name: 'Answer again' }).last().click();
    await page.getByRole('group', { name: 'Version 2 of 2' }).waitFor();
    await press('Version before');
    await talk('three');
    expect(asked()).toEqual(['one', 'answer 1', 'two', 'answer 2', 'three']);
    await page.getByText('Memory', { exact: true }).click();
    await page.getByRole('heading', { name: 'Talk to flaky' }).waitFor();
    await page.getByText('Raw', { exact: true }).click();
    await page.getByText('answer 4').waitFor();
    await close();
  });
});

describe('an error', () => {
  test('is told with what to do about it, and the question can be asked again', async () => {
    const { page, choose, ask, press, answers, complaints, violations, close } = await open();
    await choose('flaky');
    demo.flaky.script = (call) => replyJson(call, { error: { message: 'no' } }, { status: 500 });
    await ask('hello');
    const note = page.getByRole('region', { name: 'Error' });
    await note.getByRole('link').waitFor();
    const code = await note.getByRole('link').innerText();
    const { entries } = (await (await fetch(`${demo.gateway.url}/errors`)).json()) as {
      entries: { code: string; title: string; remediation: string }[];
    };
    const words = entries.find((entry) => entry.code === code);
    await note.getByText(words?.title ?? 'none').waitFor();
    expect(await note.innerText()).toContain(words?.remediation ?? 'none');
    expect(await note.getByRole('link').getAttribute('href')).toBe(`/docs/errors#${code}`);
    expect(await note.innerText()).toMatch(/request\s+req_/);
    expect(await violations()).toEqual([]);
    demo.flaky.script = (call) => replySse(call, streamOf(['better']));
    await press('Try again');
    await answers.getByText('better').waitFor();
    expect(await page.getByRole('article', { name: 'Question' }).count()).toBe(1);
    expect(complaints.filter((complaint) => !REFUSED.test(complaint))).toEqual([]);
    await close();
  });
});
