// What `npm run test:clients` stands on, and what the manual says of it. The clients themselves are too large to be
// installed for every run of the tests.
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { AGENTS } from './clients/agents.ts';
import { TRIALS } from './clients/catalogue.ts';
import { startRecorder, requestsIn } from './clients/recorder.ts';
import { SDKS } from './clients/sdks.ts';
import { startDemoGateway } from './harness/demo-gateway.ts';
import { TOKEN } from './harness/gateway.ts';

const page = readFileSync(new URL('../docs/clients.md', import.meta.url), 'utf8');

describe('docs/clients.md', () => {
  test('names every version that is tried', () => {
    const tried = TRIALS.flatMap(({ packages: { npm = [], pip = [] } }) => [...npm, ...pip]);
    expect(tried.length).toBeGreaterThan(10);
    expect(tried.filter((version) => !page.includes(`\`${version}\``))).toEqual([]);
  });

  test('names no version that is not tried', () => {
    const tried = TRIALS.flatMap(({ packages: { npm = [], pip = [] } }) => [...npm, ...pip]);
    const named = [...page.matchAll(/`(@?[\w./-]+(?:@|==)\d[\w.]*)`/g)].map(
      ([, name = '']) => name,
    );
    expect(named.filter((version) => !tried.includes(version))).toEqual([]);
  });
});

test('every client has a golden file', () => {
  const missing = [...SDKS, ...AGENTS]
    .map(({ name }) => `./clients/golden/${name}.json`)
    .filter((path) => !existsSync(new URL(path, import.meta.url)));
  expect(missing).toEqual([]);
});

describe('the recorder', () => {
  const head = (more: string) => `POST /v1/x?y=1 HTTP/1.1\r\nHost: h\r\n${more}\r\n\r\n`;

  test('reads requests that come one after another, counted, chunked and without a body', () => {
    const bytes = Buffer.from(
      `${head('Content-Length: 2')}ü${head('Transfer-Encoding: chunked')}3\r\na\r\n\r\n1\r\nb\r\n0\r\n\r\nGET /z HTTP/1.1\r\nHost: h\r\n\r\n`,
    );
    expect(requestsIn(bytes)).toEqual([
      {
        method: 'POST',
        path: '/v1/x?y=1',
        headers: [
          ['host', 'h'],
          ['content-length', '2'],
        ],
        body: 'ü',
      },
      {
        method: 'POST',
        path: '/v1/x?y=1',
        headers: [
          ['host', 'h'],
          ['transfer-encoding', 'chunked'],
        ],
        body: 'a\r\nb',
      },
      { method: 'GET', path: '/z', headers: [['host', 'h']], body: '' },
    ]);
  });

  test('leaves out a request that was not sent to its end', () => {
    for (const cut of [
      head('Content-Length: 9') + 'half',
      head('Transfer-Encoding: chunked') + '5\r\nab',
    ]) {
      expect(requestsIn(Buffer.from(cut))).toEqual([]);
    }
  });

  test('passes both directions on as they are', async () => {
    const demo = await startDemoGateway();
    const recorder = await startRecorder(demo.gateway.url);
    const body = JSON.stringify({
      model: 'demo',
      stream: true,
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
    });
    const reply = await fetch(`${recorder.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body,
    });
    const text = await reply.text();
    expect(text).toContain('Paris');
    expect(text).toEndWith('data: [DONE]\n\n');
    expect(recorder.requests().map((request) => request.body)).toEqual([body]);
    await recorder.close();
    await demo.close();
  });
});
