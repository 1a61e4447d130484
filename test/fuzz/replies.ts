// Recorded replies of engines of every kind with a few bytes changed: whatever comes of it, the client has one end, and
// what it is told is never that the gateway itself failed.
import { expect } from 'bun:test';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chat, framesOf } from '../harness/c1.ts';
import { replyWith, type FakeUpstream } from '../harness/fake-upstream.ts';
import type { TestGateway } from '../harness/gateway.ts';
import { ask, endOf, errorIn } from '../harness/v1.ts';
import { tryMany, type FuzzOptions } from './fuzz.ts';
import { mutated, mutations } from './mutate.ts';

const FIXTURES = new URL('../../src/providers/fixtures/', import.meta.url).pathname;
const KINDS = ['openai', 'anthropic', 'gemini', 'ollama'] as const;

export async function fuzzReplies(
  { upstream, gateway }: { upstream: FakeUpstream; gateway: Pick<TestGateway, 'request'> },
  options: FuzzOptions,
): Promise<void> {
  const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.bytes'));
  const cases = fc
    .record({
      name: fc.constantFrom(...names),
      changes: mutations,
      stream: fc.boolean(),
      // Also what an engine of another kind would never say.
      kind: fc.option(fc.constantFrom(...KINDS), { freq: 5 }),
    })
    .map(({ name, changes, stream, kind }) => {
      const bytes = mutated(readFileSync(join(FIXTURES, name)), changes);
      const model = kind ?? KINDS.find((one) => name.startsWith(one)) ?? 'openai';
      const told = { name, stream, model, text: Buffer.from(bytes).toString() };
      return { model, stream, bytes, [fc.toStringMethod]: () => JSON.stringify(told) };
    });
  await tryMany(cases, {
    ...options,
    async check({ model, stream, bytes }) {
      upstream.calls.length = 0;
      upstream.script = (call) => replyWith(call, bytes);
      for (const response of [
        await ask(gateway, { model, stream }),
        await chat(gateway, { model, stream, message: 'hi' }),
      ]) {
        expectTyped({ status: response.status, stream, text: await response.text() });
      }
    },
  });
}

function expectTyped({
  status,
  stream,
  text,
}: {
  status: number;
  stream: boolean;
  text: string;
}): void {
  const code = errorCodeOf(status, { stream, text });
  if (code !== null) expect(code).toMatch(/^upstream_|^context_length_exceeded$/);
}

function errorCodeOf(
  status: number,
  { stream, text }: { stream: boolean; text: string },
): string | null {
  if (status !== 200) return errorIn(text).code;
  if (!stream) return JSON.parse(text) === null ? 'null' : null;
  const { error, malformed } = endOf(framesOf(text));
  expect(malformed).toBeNull();
  return error;
}
