// The playground in a real browser: the list of conversations, and the page as a whole, large and small, light and dark.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
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

describe('conversations', () => {
  test('come page by page, and are gone through with the arrow keys', async () => {
    const { gateway } = demo;
    const said = Array.from({ length: 35 }, (_, at) => ({ model: 'demo', message: `Say ${at}.` }));
    await Promise.all(
      said.map((body) => gateway.request('/c1/chat', { body }).then((r) => r.text())),
    );
    const { page, violations, close } = await open();
    const entries = page
      .getByRole('navigation', { name: 'Conversations' })
      .locator('.conversation');
    await entries.nth(29).waitFor();
    await page.getByRole('button', { name: /^Show more \(\d+\)$/ }).click();
    await entries.nth(34).waitFor();
    await page.keyboard.press('Control+k');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End']) await page.keyboard.press(key);
    await entries.last().and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Home');
    await entries.first().and(page.locator(':focus')).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('New conversation').waitFor();
    expect(await violations()).toEqual([]);
    await close();
  });

  test('are found, named, exported and deleted', async () => {
    const { page, press, talk, close } = await open();
    await talk('Say zanzibar.');
    await press('New conversation');
    await talk('Say quagga.');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('zanzibar');
    const entries = page
      .getByRole('navigation', { name: 'Conversations' })
      .locator('.conversation');
    await entries.filter({ hasText: 'quagga' }).waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: 'Question' }).getByText('zanzibar').waitFor();
    await press('Rename Say zanzibar.');
    await page.getByLabel('Title').fill('Spices of zanzibar');
    await page.keyboard.press('Enter');
    const download = page.waitForEvent('download');
    await press('Export Spices of zanzibar');
    expect((await download).suggestedFilename()).toMatch(/^conv_\w+\.jsonl$/);
    await press('Delete Spices of zanzibar');
    await page.getByRole('dialog').getByText('Spices of zanzibar').waitFor();
    await press('Keep it');
    await press('Delete Spices of zanzibar');
    await press('Delete');
    await page.getByText('Nothing found.').waitFor();
    await page.getByRole('heading', { name: 'Talk to demo' }).waitFor();
    await close();
  });
});

describe.each([
  { name: 'small and dark', width: 390, colorScheme: 'dark' },
  { name: 'large and light', width: 1280, colorScheme: 'light' },
] as const)('the page ($name)', ({ width, colorScheme }) => {
  test('is whole and accessible, with everything open in turn', async () => {
    const { page, press, talk, complaints, violations, close } = await open({
      viewport: { width, height: 844 },
      colorScheme,
    });
    expect(await violations()).toEqual([]);
    await talk(
      'Repeat after me: # Title\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n```js\nconst a = 1;\n```\n',
    );
    await page.locator('.hljs-keyword').waitFor();
    const isSmall = width < 500;
    if (isSmall) {
      await press('Conversations');
      await page.locator('#conversations :focus').waitFor();
      expect(await violations()).toEqual([]);
      await page.keyboard.press('Escape');
      await page
        .getByRole('button', { name: 'Conversations' })
        .and(page.locator(':focus'))
        .waitFor();
    }
    await press('Settings');
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    for (const opener of ['This request as code', /^answers, demo/]) {
      const button = page.getByRole('button', { name: opener });
      await button.click();
      await page.getByRole('dialog').waitFor();
      expect(await violations()).toEqual([]);
      await page.keyboard.press('Escape');
      await button.and(page.locator(':focus')).waitFor();
    }
    await page.locator('body').press('Control+,');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(colorScheme);
    expect(complaints).toEqual([]);
    await close();
  });
});
