// What a person sees when the server has started: where it is, what answers, where the token is, what to try.
import type { TokenFile } from '../access/token-file.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

export interface BannerFacts {
  readonly url: string;
  readonly config: Config;
  readonly loaded: LoadedConfig;
  readonly demo: boolean;
  readonly tokenFile: TokenFile | null;
}

export function banner({ url, config, loaded, demo, tokenFile }: BannerFacts): string {
  const upstreams = Object.entries(config.upstreams).map(
    ([name, { kind, base_url }]) => `${name} (${kind}, ${base_url})`,
  );
  const aliases = Object.keys(config.models);
  const [model = 'llama-4-scout'] = aliases;
  const lines = [
    '',
    `  DGX LLM Chat Gateway is listening on ${url}`,
    '',
    `  Configuration  ${loaded.source ?? 'none: engines are looked for on this machine'}`,
    ...(demo
      ? [
          '  Answering      DEMO ENGINE: no real engine was found, so a built-in stand-in answers.',
          '                 It is not a language model. Start vLLM, Ollama, llama.cpp, LM Studio or SGLang',
          '                 on its usual port, or name upstreams in gateway.yaml, and start again.',
        ]
      : upstreams.map(
          (line, index) => `  ${index === 0 ? 'Answering    ' : '             '}  ${line}`,
        )),
    `  Models         ${aliases.join(', ')}`,
    tokenFile
      ? `  Token          ${tokenFile.created ? 'generated' : 'kept'} in ${tokenFile.path} (set RUST_API_BEARER to choose your own)`
      : '  Token          RUST_API_BEARER',
    ...loaded.notes.map((note) => `  Note           ${note}`),
    '',
    '  Try it:',
    ...(tokenFile
      ? [`    export BEARER=$(cat ${tokenFile.path})`]
      : ['    export BEARER=$RUST_API_BEARER']),
    `    curl ${url}/v1/chat/completions -H "Authorization: Bearer $BEARER" \\`,
    `      -H 'Content-Type: application/json' \\`,
    `      -d '{"model":"${model}","messages":[{"role":"user","content":"In one word: capital of Italy?"}],"max_tokens":30}'`,
    '',
    '',
  ];
  return lines.join('\n');
}
