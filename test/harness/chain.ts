// A gateway with several scripted upstreams behind one alias, `chain`, in order.
import { startFakeUpstream, type FakeUpstream } from './fake-upstream.ts';
import { startGateway, type TestGateway } from './gateway.ts';

export interface Chain {
  readonly gateway: TestGateway;
  /** Named `one`, `two`, … in the configuration, and `model-1`, `model-2`, … */
  readonly upstreams: readonly FakeUpstream[];
  /** How often each was asked so far. */
  counts(): number[];
  close(): Promise<void>;
}

export interface ChainOptions {
  readonly targets?: number;
  /** Inside of a YAML flow mapping for every upstream. */
  readonly upstream?: string;
  /** Inside of a YAML flow mapping for every target. */
  readonly target?: string;
  /** Inside of a YAML flow mapping for the model. */
  readonly model?: string;
  /** Further sections of the configuration. */
  readonly rest?: string;
}

const NAMES = ['one', 'two', 'three', 'four'];

export async function startChain(options: ChainOptions = {}): Promise<Chain> {
  const { targets = 2, rest = '' } = options;
  const names = NAMES.slice(0, targets);
  const upstreams = await Promise.all(names.map(() => startFakeUpstream()));
  const inside = (text: string | undefined) => (text === undefined ? '' : `, ${text}`);
  const gateway = await startGateway(`
catalogue: replace
upstreams:
${names.map((name, at) => `  ${name}: { kind: openai, base_url: "${upstreams[at]?.url}"${inside(options.upstream)} }`).join('\n')}
models:
  chain: { targets: [${names.map((name, at) => `{ upstream: ${name}, model: model-${at + 1}${inside(options.target)} }`).join(', ')}]${inside(options.model)} }
${rest}`);
  return {
    gateway,
    upstreams,
    counts: () => upstreams.map(({ calls }) => calls.length),
    async close() {
      await gateway.close();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}
