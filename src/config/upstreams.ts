// What follows from an upstream's kind and a model's class: the addresses to append paths to, and the time limits.

import type { Model, Settings, Upstream, UpstreamKind } from './schema.ts';

const PUBLIC_BASE_URLS: Partial<Record<UpstreamKind, string>> = {
  openai: 'https://api.openai.com/v1',
  openrouter: 'https://openrouter.ai/api/v1',
  anthropic: 'https://api.anthropic.com/v1',
  gemini: 'https://generativelanguage.googleapis.com/v1beta',
};

/** Whether the kind alone says where the server is. */
export function hasKnownAddress(kind: unknown): boolean {
  return typeof kind === 'string' && Object.hasOwn(PUBLIC_BASE_URLS, kind);
}

/** Whether it is asked over Ollama's own API; an address that ends with /v1 chooses the OpenAI-compatible one. */
export function isNativeOllama({ kind, base_url }: Pick<Upstream, 'kind' | 'base_url'>): boolean {
  return kind === 'ollama' && !/\/v1\/*$/.test(base_url);
}

/** The upstream as the gateway uses it. Its settings must have an address, or a kind with a known one. */
export function toUpstream(settings: Settings['upstreams'][string]): Upstream {
  const { kind, base_url = PUBLIC_BASE_URLS[kind] ?? '', ...rest } = settings;
  return { kind, base_url: base_url.replace(/\/+$/, ''), ...rest };
}

/** Milliseconds each. */
export interface TimeLimits {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

const CHAT = { firstByteMs: 120_000, idleMs: 60_000, totalMs: 600_000 };

/** Images and reasoning may be silent for minutes before, and amid, an answer. */
const PATIENT = { firstByteMs: 600_000, idleMs: 600_000, totalMs: 1_800_000 };

/** The time limits for one model at one upstream: the upstream's own where it has them, else by the model's class. */
export function timeoutsFor(
  upstream: Pick<Upstream, 'timeouts'>,
  model: Pick<Model, 'capabilities'>,
): TimeLimits {
  const { reasoning, image_generation } = model.capabilities;
  const byClass = reasoning !== false || image_generation ? PATIENT : CHAT;
  const { timeouts } = upstream;
  return {
    connectMs: timeouts.connect_ms,
    firstByteMs: timeouts.first_byte_ms ?? byClass.firstByteMs,
    idleMs: timeouts.idle_ms ?? byClass.idleMs,
    totalMs: timeouts.total_ms ?? byClass.totalMs,
  };
}
