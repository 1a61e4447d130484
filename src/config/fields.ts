// The kinds of value that settings are made of. Each takes the text that an environment variable or a flag delivers
// as well as YAML's own type, and words its refusal so that the setting can be corrected without the manual.

import { z } from 'zod';
import { showValue } from './problems.ts';

/** A whole number within bounds; digits as text count too. */
export function wholeNumber(min: number, max: number) {
  const error = (issue: { input?: unknown }) =>
    `expected a whole number from ${min} to ${max}, got ${showValue(issue.input)}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value),
    z.number({ error }).int({ error }).min(min, { error }).max(max, { error }),
  );
}

/** Milliseconds from 1 to a day: what is longer is a typing error, not a time limit. */
export function milliseconds() {
  return wholeNumber(1, 86_400_000);
}

/** How long Ollama keeps a model loaded: a duration as Go writes it, or whole seconds. */
export function keepAlive() {
  const error = (issue: { input?: unknown }) =>
    `expected a duration such as 30m, or whole seconds, got ${showValue(issue.input)}`;
  return z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    z.string({ error }).regex(/^-?(?:\d+|(?:\d+(?:\.\d+)?(?:ms|s|m|h))+)$/, { error }),
  );
}

const asSwitch = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value);

export function onOff() {
  return z.preprocess(
    asSwitch,
    z.boolean({ error: (issue) => `expected true or false, got ${showValue(issue.input)}` }),
  );
}

/** Whether a model reasons: always, never, or as each request asks. */
export function reasoningChoice() {
  const error = (issue: { input?: unknown }) =>
    `expected true, false or "configurable", got ${showValue(issue.input)}`;
  return z.preprocess(asSwitch, z.union([z.boolean(), z.literal('configurable')], { error }));
}

/** Text that is neither empty nor able to break a log line or a header. */
export function line() {
  return z
    .string({ error: (issue) => `expected text, got ${showValue(issue.input)}` })
    .min(1, { error: 'is empty' })
    .regex(/^\P{Cc}*$/u, { error: 'has a line break or another control character' });
}

/** A credential: sent in a header, so visible ASCII only. Its refusal never shows it. */
export function secret() {
  return z
    .string({ error: 'expected text' })
    .min(1, { error: 'is empty' })
    .regex(/^[\x21-\x7e]+$/, {
      error: 'has a space, a line break or another character that a header cannot carry',
    });
}

/** A header's value. Its refusal never shows it: many are credentials. */
export function headerValue() {
  return z
    .string({ error: 'expected text' })
    .regex(/^[\x20-\x7e]*$/, { error: 'has a character that a header cannot carry' });
}

export function headerName() {
  return z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/);
}

/** Headers as a mapping, or as OpenTelemetry's variables have them: `name=value,name=value`, values percent-encoded. */
export function headerList() {
  return z.preprocess(readHeaderList, z.record(headerName(), headerValue()));
}

function readHeaderList(value: unknown, context: z.RefinementCtx): unknown {
  if (typeof value !== 'string') return value;
  const headers: Record<string, string> = {};
  for (const pair of value.split(',')) {
    const [, name, text] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name === undefined || text === undefined) {
      // Without showing it: it may be a credential.
      context.addIssue('expected a mapping, or name=value,name=value');
      return z.NEVER;
    }
    try {
      headers[name] = decodeURIComponent(text);
    } catch {
      headers[name] = text; // a lone percent sign stands for itself
    }
  }
  return headers;
}

/** A part of a whole. */
export function share() {
  const error = (issue: { input?: unknown }) =>
    `expected a number from 0 to 1, got ${showValue(issue.input)}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
    z.number({ error }).min(0, { error }).max(1, { error }),
  );
}

/** The address of a model server: paths are appended to it, so it ends with its path. */
export function serverUrl() {
  return z
    .string({ error: (issue) => `expected an http or https URL, got ${showValue(issue.input)}` })
    .superRefine((value, context) => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      if (url === undefined || !/^https?:$/.test(url.protocol) || !/^https?:\/\//i.test(value)) {
        context.addIssue(`expected an http or https URL, got ${showValue(value)}`);
      } else if (url.search !== '' || url.hash !== '') {
        context.addIssue('has a query or a fragment, to which no path can be appended');
      }
    });
}

/** Where conversations are kept. */
export function storageUrl() {
  return z
    .string({ error: (issue) => `expected a sqlite: URL, got ${showValue(issue.input)}` })
    .superRefine((value, context) => {
      if (/^postgres(ql)?:/i.test(value)) {
        context.addIssue('PostgreSQL is not supported yet; use sqlite:');
      } else if (!/^sqlite:./.test(value)) {
        context.addIssue(
          `expected a sqlite: URL such as sqlite:./data/gateway.db, got ${showValue(value)}`,
        );
      }
    });
}
