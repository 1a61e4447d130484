// The SDKs: each runs a program of checks.
import { sdk, type Client } from './client.ts';

/** A busy model is asked three times by everybody: once, and two retries. */
const USUAL = { busy: 3, refused: 1, nobody: 1 };

export const SDKS: readonly Client[] = [
  sdk({ name: 'curl', packages: {}, program: 'curl.sh', asks: { nobody: 1, slow: 1 } }),
  sdk({
    name: 'openai',
    packages: { npm: ['openai@7.57.0'] },
    program: 'openai.mjs',
    asks: USUAL,
  }),
  sdk({
    name: 'ai-sdk',
    packages: { npm: ['ai@7.0.173', '@ai-sdk/openai-compatible@3.0.92'] },
    program: 'ai-sdk.mjs',
    asks: USUAL,
  }),
  sdk({
    name: 'langchain',
    packages: { npm: ['@langchain/openai@1.6.0', '@langchain/core@1.4.0'] },
    program: 'langchain.mjs',
    // It knows no 422, and does not look at x-should-retry.
    asks: { ...USUAL, refused: 3 },
  }),
  sdk({
    name: 'llamaindex',
    packages: { npm: ['llamaindex@0.12.1', '@llamaindex/openai@0.4.22'] },
    program: 'llamaindex.mjs',
    asks: USUAL,
  }),
  sdk({
    name: 'openai-python',
    packages: { pip: ['openai==3.57.0'] },
    program: 'openai_python.py',
    asks: USUAL,
  }),
  sdk({
    name: 'langchain-python',
    packages: { pip: ['langchain-openai==1.7.4'] },
    program: 'langchain_python.py',
    asks: USUAL,
  }),
  sdk({
    name: 'litellm',
    packages: { pip: ['litellm==1.110.2'] },
    program: 'litellm_python.py',
    asks: USUAL,
  }),
];
