// What may be shown of a configuration, and its fingerprint.

import { expect, test } from 'bun:test';
import { loadConfig } from './load.ts';
import { configHash, hideSecrets } from './secrets.ts';

function load(secret: string, port = 1) {
  const yaml = `
server: { port: ${port} }
auth: { bearer: "${secret}" }
traces: { endpoint: "https://user:${secret}@c", headers: { authorization: "${secret}" } }
upstreams:
  o: { kind: openai, base_url: "https://user:${secret}@h/v1", api_key: "${secret}", headers: { x-key: "${secret}" } }`;
  return loadConfig({ env: {}, cwd: '/w', readFile: () => yaml }).config;
}

test('no secret survives hiding', () => {
  const shown = hideSecrets(load('hunter2'));
  expect(JSON.stringify(shown)).not.toContain('hunter2');
  expect(shown.upstreams['o']).toMatchObject({
    base_url: 'https://***@h/v1',
    api_key: '***',
    headers: { 'x-key': '***' },
  });
  expect(shown.traces.headers).toEqual({ authorization: '***' });
});

test('the hash changes with a setting and stays with a secret', () => {
  expect(configHash(load('one'))).toMatch(/^[0-9a-f]{12}$/);
  expect(configHash(load('one'))).toBe(configHash(load('two')));
  expect(configHash(load('one'))).not.toBe(configHash(load('one', 2)));
});
