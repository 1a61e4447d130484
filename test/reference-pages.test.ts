// The two API references in a real browser: both show every operation of the document, ask nobody but this host, and
// from one of them requests can be sent.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import packageJson from '../package.json' with { type: 'json' };
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import {
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { operationsOf, type ApiDocument, type PlacedOperation } from './harness/openapi.ts';

// Large pages, which axe looks at element by element.
setDefaultTimeout(180_000);

let upstream: FakeUpstream;
let gateway: TestGateway;
let browser: TestBrowser;
let operations: PlacedOperation[];
beforeAll(async () => {
  upstream = await startFakeUpstream((call) =>
    call.body.includes('"stream":true')
      ? replySse(call, streamOf(['Rome', '.']))
      : replyJson(call, completion('Rome.')),
  );
  gateway = await startGateway(configFor(upstream).replace('test-model', 'llama-4-scout'));
  browser = await startBrowser();
  const document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as ApiDocument;
  operations = operationsOf(document);
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
  await upstream.close();
});

const WINDOWS = [
  { name: 'large and light', width: 1280, colorScheme: 'light' },
  { name: 'small and dark', width: 390, colorScheme: 'dark' },
] as const;

describe.each(WINDOWS)('/openapi ($name)', ({ width, colorScheme }) => {
  const open = () =>
    browser.open(`${gateway.url}/openapi`, { viewport: { width, height: 900 }, colorScheme });

  test('shows every operation, without a complaint', async () => {
    const { page, complaints, violations, close } = await open();
    await page.locator('.opblock').first().waitFor();
    expect(await page.locator('.opblock').count()).toBe(operations.length);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('sends a request with the token that was typed in, and shows the reply', async () => {
    const { page, complaints, close } = await open();
    await page.getByLabel('Your token').fill(TOKEN);
    await page.getByRole('button', { name: 'Use' }).click();
    await page.getByText('Requests carry this token.').waitFor();
    const operation = page.locator('#operations-Stateless_chat-createChatCompletion');
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('.examples-select-element').first().selectOption('stream');
    await operation.getByRole('button', { name: 'Execute' }).click();
    const reply = operation.locator('.live-responses-table');
    await reply.getByText('data: [DONE]').waitFor();
    expect(await reply.textContent()).toContain('x-gateway-upstream: fake');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(complaints).toEqual([]);
    // The token outlives a reload, and the tab only.
    await page.reload();
    await page.getByText('Requests carry this token.').waitFor();
    expect(await page.evaluate('localStorage.length')).toBe(0);
    await close();
  });
});

test('/openapi says of a wrong token that it is wrong, and sends none', async () => {
  const { page, close } = await browser.open(`${gateway.url}/openapi`);
  await page.getByLabel('Your token').fill('wrong');
  await page.getByRole('button', { name: 'Use' }).click();
  await page.getByText('does not know this token').waitFor();
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
  await close();
});

describe.each(WINDOWS)('/redoc ($name)', ({ width, colorScheme }) => {
  test('tells of every operation with its path and its errors, without a complaint', async () => {
    const { page, complaints, violations, close } = await browser.open(`${gateway.url}/redoc`, {
      viewport: { width, height: 900 },
      colorScheme,
    });
    await page.locator('.operation').first().waitFor();
    const texts = await page.locator('.operation .words').allTextContents();
    expect(texts).toHaveLength(operations.length);
    for (const { path, summary, responses } of operations) {
      const text = texts.find((each) => each.startsWith(summary)) ?? summary;
      expect(text).toContain(path);
      for (const reply of Object.values(responses))
        for (const code of reply['x-error-codes'] ?? []) expect(text).toContain(code);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});

describe('/redoc', () => {
  test('opens at the operation that its address names, and finds routes by what they are called', async () => {
    const { page, close } = await browser.open(`${gateway.url}/redoc#cancelTurn`);
    const list = page.getByRole('navigation', { name: 'Operations' });
    await list.locator('[aria-current]').waitFor();
    expect(await list.locator('[aria-current]').textContent()).toContain('Cancel a turn');
    await page.getByLabel('Find a route').fill('export');
    await page.getByRole('link', { name: 'Export a conversation' }).first().waitFor();
    expect(await list.getByRole('link').count()).toBe(1);
    await close();
  });

  test('opens the fields of a body that lie deeper, and shows another example', async () => {
    const { page, complaints, close } = await browser.open(`${gateway.url}/redoc`);
    const operation = page.locator('#createChatCompletion');
    await operation.locator('summary', { hasText: 'Message' }).first().click();
    await operation.locator('.below code', { hasText: 'role' }).first().waitFor();
    await operation.getByLabel('Example of a request').selectOption({ index: 1 });
    await operation.locator('.beside pre', { hasText: '"include_usage"' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});

test('the package that Swagger UI brings along to count installations is switched off', () => {
  expect(packageJson.scarfSettings.enabled).toBe(false);
  expect(packageJson.allowScripts).toEqual({ '@scarf/scarf': false, bun: true });
});
