// The playground in a real browser: signed in, asked, and read.
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { TestBrowser, WatchedPage } from './browser.ts';
import { TOKEN, type TestGateway } from './gateway.ts';

export interface PlaygroundPage extends WatchedPage {
  readonly answers: Locator;
  /** Writes into the field and sends; resolves when the message is on its way. */
  ask(text: string): Promise<void>;
  /** The same, and waits until there is one answer more, or the text is in it. */
  talk(text: string): Promise<string>;
  choose(model: string): Promise<void>;
  press(name: string): Promise<void>;
}

export async function openPlayground(
  browser: TestBrowser,
  { url }: Pick<TestGateway, 'url'>,
  options: BrowserContextOptions = {},
): Promise<PlaygroundPage> {
  const watched = await browser.open(`${url}/playground`, options);
  watched.page.setDefaultTimeout(10_000);
  await signIn(watched.page);
  return asPlayground(watched);
}

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  // The model is chosen once the list of models has come.
  await page.getByPlaceholder(/^Message ./).waitFor();
}

function asPlayground(watched: WatchedPage): PlaygroundPage {
  const { page } = watched;
  const answers = page.getByRole('article', { name: 'Answer' });
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const ask = async (text: string): Promise<void> => {
    await page.getByLabel('Your message').fill(text);
    await press('Send');
  };
  return {
    ...watched,
    answers,
    press,
    ask,
    async talk(text) {
      const before = await page.getByRole('button', { name: 'Answer again' }).count();
      await ask(text);
      await page.getByRole('button', { name: 'Answer again' }).nth(before).waitFor();
      return await answers.last().locator('.prose').innerText();
    },
    async choose(model) {
      await page.locator('.model-button').click();
      await page.getByRole('radio', { name: new RegExp(`\\b${model}\\b`) }).click();
      await page.getByPlaceholder(`Message ${model}`).waitFor();
    },
  };
}
