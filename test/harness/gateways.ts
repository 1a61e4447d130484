// Gateways in every state that a request can find one in: well, out of budget, stopping, without a store, full.
import type { createApp } from '../../src/http/app.ts';
import { createHttpServer } from '../../src/http/server.ts';
import {
  completion,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamScript,
} from './fake-upstream.ts';
import { startGateway, type TestGateway } from './gateway.ts';

export interface AllGateways {
  /** Behind all of them. */
  readonly upstream: FakeUpstream;
  readonly gateway: TestGateway;
  /** One request a second. */
  readonly limited: TestGateway;
  readonly drained: TestGateway;
  readonly storeless: TestGateway;
  /** Serves one request at once. */
  readonly busy: TestGateway;
  close(): Promise<void>;
}

/** Answers whole or streamed, as asked. */
export const answered: UpstreamScript = (call) =>
  call.body.includes('"stream":true')
    ? replySse(call, streamOf(['Hel', 'lo']))
    : replyJson(call, completion('Hello'));

export async function startAll(): Promise<AllGateways> {
  const upstream = await startFakeUpstream(answered);
  const models = `
  text-only:
    modalities: { input: [text] }
    capabilities: { tools: false }
    targets: [{ upstream: fake, model: fake-model }]
  floored: { min_max_tokens: 200, targets: [{ upstream: fake, model: fake-model }] }
  narrow: { targets: [{ upstream: narrow, model: m }] }
  unreachable: { targets: [{ upstream: gone, model: m }] }`;
  const upstreams = `  narrow: { kind: openai, base_url: "${upstream.url}", max_concurrent: 1, max_queued: 0 }
  gone: { kind: openai, base_url: "http://127.0.0.1:1/v1" }
models:`;
  const gateway = await startGateway(
    `${configFor(upstream, models).replace('models:', upstreams)}
limits: { max_body_bytes: 8192, rate_per_second: 1000000, burst: 1000000 }`,
  );
  const limited = await startGateway(
    configFor(upstream, 'limits: { rate_per_second: 1, burst: 1 }'),
  );
  const drained = await startGateway(configFor(upstream));
  await drained.gateway.drain(0);
  const storeless = await startGateway(
    configFor(upstream, 'storage: { url: "sqlite:/dev/null/gateway.db" }'),
  );
  const busy = await startGateway(configFor(upstream, 'limits: { max_in_flight: 1 }'));
  const gateways = { gateway, limited, drained, storeless, busy };
  return {
    upstream,
    ...gateways,
    async close() {
      await Promise.all(Object.values(gateways).map((each) => each.close()));
      await upstream.close();
    },
  };
}

/** A server of an app that does without the rest of a gateway. */
export function serve(app: ReturnType<typeof createApp>) {
  const server = createHttpServer({
    app: () => app,
    clock: { now: () => 0, elapsed: () => 0 },
    admission: { release() {} } as never,
    probe: { requestFinished() {} },
    isDraining: () => false,
  });
  return server.answer;
}
