// A gateway in front of the demo engine (alias `demo`) and of a scripted upstream (alias `flaky`).
import { startDemoEngine } from '../../src/demo/engine.ts';
import { startFakeUpstream, type FakeUpstream } from './fake-upstream.ts';
import { startGateway, type TestGateway } from './gateway.ts';

export interface DemoGateway {
  readonly gateway: TestGateway;
  readonly flaky: FakeUpstream;
  close(): Promise<void>;
}

export async function startDemoGateway(): Promise<DemoGateway> {
  const engine = startDemoEngine({ tokenDelayMs: 0 });
  const flaky = await startFakeUpstream();
  const gateway = await startGateway(`
catalogue: replace
upstreams:
  demo: { kind: openai, base_url: ${engine.url} }
  flaky: { kind: openai, base_url: ${flaky.url} }
models:
  demo:
    modalities: { input: [text, image] }
    capabilities: { tools: true, vision: true }
    targets: [{ upstream: demo, model: demo }]
  flaky: { targets: [{ upstream: flaky, model: fake-model }] }
`);
  return {
    gateway,
    flaky,
    async close() {
      await gateway.close();
      await flaky.close();
      await engine.close();
    },
  };
}
