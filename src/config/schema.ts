// Every setting: its type, its default and one sentence. `settingsSchema` is what may be written; `Config` is what the
// gateway runs on, with references resolved, the default catalogue merged in and every alias's targets laid out.

import { z } from 'zod';
import { headerList, headerName, headerValue, keepAlive, line, milliseconds } from './fields.ts';
import { onOff, reasoningChoice, secret, serverUrl, share } from './fields.ts';
import { storageUrl, wholeNumber } from './fields.ts';

const UPSTREAM_KINDS = [
  'openai',
  'vllm',
  'llama.cpp',
  'ollama',
  'lmstudio',
  'sglang',
  'openrouter',
  'anthropic',
  'gemini',
  'azure',
] as const;

export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

const MODALITIES = ['text', 'image', 'audio', 'video'] as const;

const REASONING_HISTORY = ['none', 'reasoning', 'reasoning_content', 'reasoning_details'] as const;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Names of upstreams: they appear in a response header and in paths of settings. */
const upstreamName = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/);

/** Aliases may be what engines call their models: `llama4:scout`, `nvidia/Llama-4-Scout`. */
const aliasName = z.string().regex(/^[^\s\p{Cc}]{1,200}$/u);

const serverSchema = z.strictObject({
  host: line().default('127.0.0.1').describe('Address to listen on.'),
  port: wholeNumber(0, 65_535).default(3000).describe('Port to listen on; 0 picks a free one.'),
  drain_ms: wholeNumber(0, 86_400_000)
    .default(30_000)
    .describe('How long running answers may go on after the signal to stop.'),
  data_dir: line().default('./data').describe('Directory for the database and a generated token.'),
});

const authSchema = z.strictObject({
  bearer: secret()
    .optional()
    .describe('The token that clients send; one is generated at first start where none is set.'),
});

const storageSchema = z.strictObject({
  url: storageUrl()
    .default('sqlite:./data/gateway.db')
    .describe('Where conversations are kept; gateway.db in server.data_dir unless set.'),
  durability: z
    .enum(['full', 'normal'])
    .default('full')
    .describe('full survives a power cut; normal is faster and may then lose the last moments.'),
});

const limitsSchema = z.strictObject({
  rate_per_second: wholeNumber(1, 1_000_000)
    .default(10)
    .describe('Requests per second that a token may make in the long run.'),
  burst: wholeNumber(1, 1_000_000)
    .default(60)
    .describe('Requests that a token may make at once after a pause.'),
  max_body_bytes: wholeNumber(1024, 1_073_741_824)
    .default(33_554_432)
    .describe('Largest request body in bytes.'),
  max_in_flight: wholeNumber(1, 1_000_000)
    .default(4096)
    .describe('Requests that are served at once, streams included; more are refused with 503.'),
  max_held_bytes: wholeNumber(1024, 1_099_511_627_776)
    .default(268_435_456)
    .describe('Bytes of request bodies that are held at once; beyond that requests get 503.'),
  max_lag_ms: milliseconds()
    .default(250)
    .describe('How late the event loop may be, again and again, before requests get 503.'),
});

const healthSchema = z.strictObject({
  probe_interval_ms: milliseconds()
    .default(10_000)
    .describe('Time between two probes of an upstream.'),
  probe_timeout_ms: milliseconds()
    .default(2000)
    .describe('How long a probe may take; late twice running, the upstream counts as down.'),
});

const tracesSchema = z.strictObject({
  endpoint: serverUrl()
    .optional()
    .describe('The collector that spans are sent to, without /v1/traces; none are where absent.'),
  url: serverUrl()
    .optional()
    .describe('The same with its whole path, for collectors that want another one.'),
  headers: headerList()
    .default({})
    .describe('Headers that the gateway sends to it: a mapping, or name=value,name=value.'),
  sample_ratio: share()
    .default(1)
    .describe('Of the traces that begin here, the share that is recorded: 0 to 1.'),
  service_name: line()
    .default('dgx-chat-gateway')
    .describe('What the gateway is called in traces.'),
});

const routingSchema = z.strictObject({
  retries: wholeNumber(0, 5)
    .default(1)
    .describe('How often a target that failed is asked again when no other can answer.'),
  retry_wait_ms: milliseconds()
    .default(1000)
    .describe('The longest pause before that; an upstream that asks for more is not asked again.'),
  affinity_ms: milliseconds()
    .default(600_000)
    .describe('How long a conversation stays with the target that answered it last.'),
});

const turnsSchema = z.strictObject({
  orphan_ms: milliseconds()
    .default(600_000)
    .describe('How long a /c1 turn may run with nobody following it.'),
  keep_events_ms: wholeNumber(60_000, 2_592_000_000)
    .default(172_800_000)
    .describe('How long the events of an ended turn are kept for resuming and repeating it.'),
  titles: z
    .enum(['message', 'model'])
    .default('message')
    .describe('message: the first message is the title; model: the model is asked for one.'),
  cache_salt: z
    .enum(['user', 'owner', 'none'])
    .default('user')
    .describe('Who shares vLLM prefix cache entries: one end user, one token, or everybody.'),
});

const timeoutsSchema = z.strictObject({
  connect_ms: milliseconds().default(5000).describe('Limit for opening a connection.'),
  first_byte_ms: milliseconds()
    .optional()
    .describe('Limit until the answer begins; 120000, or 600000 for image and reasoning aliases.'),
  idle_ms: milliseconds()
    .optional()
    .describe('Limit for silence between chunks; 60000, or 600000 for image and reasoning.'),
  total_ms: milliseconds()
    .optional()
    .describe('Limit for the whole answer; 600000, or 1800000 for image and reasoning aliases.'),
});

const upstreamSchema = z.strictObject({
  kind: z.enum(UPSTREAM_KINDS).describe('What software it is; openai is any compatible server.'),
  base_url: serverUrl()
    .optional()
    .describe(
      'Its address, with /v1 where it has one; known for openai, openrouter, anthropic and gemini.',
    ),
  api_key: secret().optional().describe('The key that the gateway sends to it.'),
  headers: z
    .record(headerName(), headerValue())
    .default({})
    .describe('Further headers that the gateway sends to it.'),
  timeouts: timeoutsSchema.prefault({}).describe('Time limits for requests to it.'),
  max_concurrent: wholeNumber(1, 100_000)
    .optional()
    .describe('Requests that it is given at once; any number where absent.'),
  max_queued: wholeNumber(0, 100_000)
    .default(64)
    .describe('Requests that may wait for it once it has as many as it may be given.'),
  queue_ms: milliseconds().default(30_000).describe('How long a request may wait for it.'),
  reasoning_history: z
    .enum(REASONING_HISTORY)
    .optional()
    .describe('The member in which /c1 sends earlier reasoning back; by kind where absent.'),
  keep_alive: keepAlive()
    .optional()
    .describe('Ollama only: how long models stay loaded, such as 30m, or -1 for good.'),
});

const capabilitiesSchema = z.strictObject({
  tools: onOff().default(true).describe('Whether it can call tools.'),
  vision: onOff().default(false).describe('Whether it understands images.'),
  reasoning: reasoningChoice()
    .default(false)
    .describe('Whether it thinks before it answers: true, false or "configurable".'),
  json_mode: onOff().default(true).describe('Whether it can be held to JSON.'),
  image_generation: onOff().default(false).describe('Whether it answers with images.'),
});

const modalitiesSchema = z.strictObject({
  input: z.array(z.enum(MODALITIES)).min(1).default(['text']).describe('What it takes.'),
  output: z.array(z.enum(MODALITIES)).min(1).default(['text']).describe('What it gives.'),
});

const targetSchema = z.strictObject({
  upstream: line().describe('Name of the upstream.'),
  model: line().describe('What the upstream calls the model.'),
  weight: wholeNumber(1, 1000)
    .optional()
    .describe(
      'Makes it a replica of the weighted targets beside it, with this share of the traffic.',
    ),
  num_ctx: wholeNumber(1, 1_000_000_000)
    .optional()
    .describe("Ollama only: the model's window in tokens; Ollama's own default is small."),
});

const modelSchema = z.strictObject({
  enabled: onOff().default(true).describe('false takes the alias off the list of served models.'),
  family: line().default('custom').describe('The family of models that it belongs to.'),
  license: line().default('unknown').describe("The model's licence."),
  context_window: wholeNumber(1, 1_000_000_000)
    .default(131_072)
    .describe('Tokens that prompt and answer may have together.'),
  modalities: modalitiesSchema.prefault({}).describe('The kinds of content it takes and gives.'),
  capabilities: capabilitiesSchema.prefault({}).describe('What it can do.'),
  min_max_tokens: wholeNumber(1, 1_000_000)
    .optional()
    .describe('A smaller max_tokens is raised to this, as the model would answer with nothing.'),
  hedge_ms: milliseconds()
    .optional()
    .describe('A second target is asked as well once the first has been silent for so long.'),
  typical_response_seconds: z
    .preprocess(
      (value) => (typeof value === 'string' && value !== '' ? Number(value) : value),
      z.number({ error: 'expected a number of seconds' }).positive(),
    )
    .optional()
    .describe('How long an answer usually takes, for people and playgrounds.'),
  targets: z
    .array(targetSchema)
    .min(1, { error: 'needs at least one target; enabled: false takes the alias away' })
    .optional()
    .describe('Who answers for it, in the order in which they are tried.'),
  chain: z
    .array(line())
    .min(1, { error: 'needs at least one alias' })
    .optional()
    .describe('Instead of targets: aliases whose targets are tried one after another.'),
});

export const settingsSchema = z.strictObject({
  server: serverSchema.prefault({}).describe('The server itself.'),
  auth: authSchema.prefault({}).describe('Who may use it.'),
  storage: storageSchema.prefault({}).describe('Where conversations are kept.'),
  limits: limitsSchema.prefault({}).describe('What a client may use up.'),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default('info').describe('The least severe lines to write.'),
    })
    .prefault({})
    .describe('What is written to the log.'),
  streams: z
    .strictObject({
      heartbeat_ms: milliseconds()
        .default(15_000)
        .describe('A silent stream gets a comment this often, so that no proxy cuts it.'),
      stall_ms: milliseconds()
        .default(60_000)
        .describe('How long a client may leave unread what it was sent; then it is hung up on.'),
    })
    .prefault({})
    .describe('Streamed replies.'),
  metrics: z
    .strictObject({
      access: z
        .enum(['loopback', 'public', 'token'])
        .default('loopback')
        .describe(
          'Who may read /metrics without the token: requests made on this machine, everybody, or nobody.',
        ),
    })
    .prefault({})
    .describe('Figures for Prometheus.'),
  traces: tracesSchema.prefault({}).describe('Traces by OpenTelemetry.'),
  turns: turnsSchema.prefault({}).describe('Conversations.'),
  routing: routingSchema.prefault({}).describe('What happens when a target does not answer.'),
  health: healthSchema.prefault({}).describe('How upstreams are watched.'),
  catalogue: z
    .enum(['extend', 'replace'])
    .default('extend')
    .describe('Whether models adds to the default catalogue or stands instead of it.'),
  upstreams: z
    .record(upstreamName, upstreamSchema)
    .default({})
    .describe('The model servers, by a name of your choice.'),
  models: z
    .record(aliasName, modelSchema)
    .default({})
    .describe('The aliases that clients may ask for; null or enabled: false takes one away.'),
});

/** The settings as written, checked and with defaults. */
export type Settings = z.output<typeof settingsSchema>;

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** A model server; `base_url` has no slash at its end, and is the native root of an Ollama. */
export type Upstream = Frozen<Omit<Settings['upstreams'][string], 'base_url'>> & {
  readonly base_url: string;
};

export type Target = Frozen<z.output<typeof targetSchema>> & {
  /** Targets of one group are replicas of each other; only those with a weight are in one. */
  readonly replica_group?: number;
};

/** An alias. `targets` is never empty in `Config.models`; a `chain` is already expanded into it. */
export type Model = Frozen<Omit<Settings['models'][string], 'enabled' | 'targets'>> & {
  readonly targets: readonly Target[];
};

/** What the gateway runs on: deeply frozen. The records have no prototype, so any name can be looked up in them. */
export type Config = Frozen<Omit<Settings, 'upstreams' | 'models'>> & {
  readonly upstreams: Readonly<Record<string, Upstream>>;
  /** The allowlist: aliases that are served. */
  readonly models: Readonly<Record<string, Model>>;
  /** Aliases of the catalogue that no configured upstream can answer for: known, not served, `targets` empty. */
  readonly unserved_models: Readonly<Record<string, Model>>;
  /** Aliases that the operator took away; discovery must not bring them back. */
  readonly disabled_models: readonly string[];
};
