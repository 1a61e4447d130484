// The manual in a real browser: finding one's way, searching, copying, on a large screen and on a phone.
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test';
import type { Page } from 'playwright-core';
import { startBrowser, type TestBrowser, type WatchedPage } from './harness/browser.ts';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

// A browser on a busy machine takes its time.
setDefaultTimeout(60_000);

let upstream: FakeUpstream;
let gateway: TestGateway;
let browser: TestBrowser;
let opened: WatchedPage | undefined;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
  await upstream.close();
});
afterEach(async () => {
  const { complaints } = opened ?? {};
  await opened?.close();
  opened = undefined;
  expect(complaints ?? []).toEqual([]);
});

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

async function open(path: string, options = {}): Promise<Page> {
  opened = await browser.open(`${gateway.url}${path}`, options);
  return opened.page;
}
const titleOf = (page: Page) => page.locator('h1').textContent();

describe.each([
  { name: 'large and light', viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  { name: 'small and dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
] as const)('every kind of page ($name)', ({ viewport, colorScheme }) => {
  test.each(['/docs', '/docs/quickstart', '/docs/errors', '/docs/decisions/0001-bun'])(
    '%s fits, and is accessible',
    async (path) => {
      const page = await open(path, { viewport, colorScheme });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
      expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(colorScheme);
      expect(await opened?.violations()).toEqual([]);
    },
  );
});

describe('finding the way', () => {
  test('from the first page to a task, on to the next page, and back by the breadcrumbs', async () => {
    const page = await open('/docs');
    await page.getByRole('link', { name: 'Send a first request' }).click();
    expect(await titleOf(page)).toBe('Quickstart');
    const current = page.getByRole('navigation', { name: 'Manual' }).locator('[aria-current=page]');
    expect(await current.textContent()).toBe('Quickstart');
    await page.getByRole('link', { name: 'Next' }).click();
    expect(await titleOf(page)).toBe('Authentication and limits');
    await page.getByRole('navigation', { name: 'Breadcrumbs' }).getByText('Manual').click();
    expect(await titleOf(page)).toBe('Manual');
  });

  test('a code leads to what to do about it, below the header, and is marked on the right', async () => {
    const page = await open('/docs/errors#head_moved');
    const heading = page.locator('#head_moved');
    const top = await heading.evaluate((element) => element.getBoundingClientRect().top);
    expect(top).toBeGreaterThan(56);
    expect(top).toBeLessThan(160);
    const marked = page.locator('.toc [aria-current]');
    expect(await marked.textContent()).toBe('head_moved');
    await page.locator('#internal_error').scrollIntoViewIfNeeded();
    await page.locator('.toc [aria-current]', { hasText: /^(?!head_moved)/ }).waitFor();
  });

  test('a heading gives its address', async () => {
    const page = await open('/docs/streaming');
    await page.locator('.heading', { hasText: 'Leave and stop' }).hover();
    await page.getByRole('link', { name: 'Link to “Leave and stop”' }).click();
    expect(new URL(page.url()).hash).toBe('#leave-and-stop');
  });

  test('on a phone the contents are in a drawer, which Escape closes', async () => {
    const page = await open('/docs/tools', PHONE);
    await page.getByRole('button', { name: 'Contents' }).click();
    const drawer = page.getByRole('dialog', { name: 'Contents' });
    await drawer.getByRole('link', { name: 'Headers' }).waitFor();
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Contents' }).click();
    await drawer.getByRole('link', { name: 'Headers' }).click();
    await page.waitForURL('**/docs/headers');
    expect(await titleOf(page)).toBe('Headers');
  });
});

describe('the search', () => {
  test('opens by a key, forgives a typo, is walked through by arrows, and leads to the section', async () => {
    const page = await open('/docs');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.keyboard.press('/');
    await page.keyboard.type('idempotncy');
    const options = page.getByRole('option');
    await options.first().waitFor();
    expect(asked.some((path) => /^\/assets\/manual-\w+\.json$/.test(path))).toBe(true);
    const field = page.getByRole('combobox', { name: 'Search the manual' });
    expect(await field.getAttribute('aria-expanded')).toBe('true');
    expect(await field.getAttribute('aria-activedescendant')).toBe('hit-0');
    expect(await opened?.violations()).toEqual([]);
    await page.keyboard.press('ArrowDown');
    expect(await field.getAttribute('aria-activedescendant')).toBe('hit-1');
    await page.keyboard.press('ArrowUp');
    const address = await options.first().getAttribute('href');
    expect(await options.first().locator('mark').count()).toBeGreaterThan(0);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**${address}`);
    expect(address).toContain('#');
  });

  test('loads nothing before it is asked for', async () => {
    const page = await open('/docs/tools');
    const loaded: string[] = await page.evaluate(
      `performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)`,
    );
    expect(loaded.length).toBeGreaterThan(2);
    expect(loaded.filter((path) => path.endsWith('.json'))).toEqual([]);
  });

  test('says so when there is nothing, and closes by Escape', async () => {
    const page = await open('/docs/tools');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('xylophone quartz');
    await page.getByText('Nothing found.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').waitFor({ state: 'hidden' });
  });
});

describe('a code block', () => {
  const permissions = ['clipboard-read', 'clipboard-write'];

  test('is copied by keyboard, and says so', async () => {
    const page = await open('/docs/quickstart', { permissions });
    await page.getByRole('button', { name: 'Copy' }).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.locator('#announce').textContent()).toBe('Copied');
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('npm start');
  });

  test('in several languages has tabs, and the choice is kept on other pages', async () => {
    const page = await open('/docs/quickstart');
    const tabs = page.getByRole('tablist').first();
    await tabs.getByRole('tab', { name: 'curl' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await tabs.getByRole('tab', { selected: true }).textContent()).toBe('Python');
    await page.locator('code', { hasText: 'from openai import OpenAI' }).first().waitFor();
    await page.goto(`${gateway.url}/docs/vision`);
    const other = page.getByRole('tablist').first().getByRole('tab', { selected: true });
    expect(await other.textContent()).toBe('Python');
  });

  test('on the first page is for the host that it came from', async () => {
    const page = await open('/', { permissions });
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toStartWith(
      `curl ${gateway.url}/c1/chat`,
    );
  });
});

test('printed, a page is its text alone', async () => {
  const page = await open('/docs/tools');
  await page.emulateMedia({ media: 'print' });
  const seen = await Promise.all(
    ['.site-header', '.manual-contents', '.toc', '.copy', '.prose'].map((part) =>
      page.locator(part).first().isVisible(),
    ),
  );
  expect(seen).toEqual([false, false, false, false, true]);
});
