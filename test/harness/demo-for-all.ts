// A gateway as it is without any configuration where no engine was found: the demo engine answers every alias.
import { defaultCatalogue } from '../../src/config/catalogue.ts';
import { startDemoEngine } from '../../src/demo/engine.ts';
import { startGateway, type TestGateway } from './gateway.ts';

export async function startDemoForAll(tokenDelayMs = 0): Promise<TestGateway> {
  const engine = startDemoEngine({ tokenDelayMs });
  const models = Object.entries(defaultCatalogue()).map(([alias, model]) => {
    const { chain: _, ...own } = model as Record<string, unknown>;
    return [alias, { ...own, targets: [{ upstream: 'demo', model: alias }] }];
  });
  const gateway = await startGateway(
    JSON.stringify({
      catalogue: 'replace',
      upstreams: { demo: { kind: 'openai', base_url: engine.url } },
      models: Object.fromEntries(models),
    }),
  );
  return {
    ...gateway,
    async close() {
      await gateway.close();
      await engine.close();
    },
  };
}
