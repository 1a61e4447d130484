// Tests the gateway against a real engine: llama.cpp's server with a tiny random model. Builds the server once, from
// the sources that the npm package node-llama-cpp carries, into .cache/. LLAMA_SERVER=/path takes another one.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeTinyModel } from '../test/engine/tiny-gguf.mjs';

const PACKAGE = 'node-llama-cpp@3.22.1';
const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache', 'llama');

/** Only the server, without anything that would be downloaded; little optimisation, as the model is tiny. */
const CMAKE_FLAGS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DCMAKE_CXX_FLAGS_RELEASE=-O1',
  '-DCMAKE_C_FLAGS_RELEASE=-O2',
  '-DBUILD_SHARED_LIBS=ON',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_BUILD_WEBUI=OFF',
  '-DLLAMA_USE_PREBUILT_UI=OFF',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_CURL=OFF',
  '-DLLAMA_BUILD_APP=OFF',
  '-DGGML_NATIVE=ON',
];

function run(command, args, cwd = root) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  const why = error ? error.message : `it ended with status ${status}`;
  process.stderr.write(
    `test-engine: "${command} ${args.join(' ')}" failed: ${why}.\n` +
      'Building llama.cpp needs git, cmake, ninja and a C++ compiler. Or set LLAMA_SERVER to a llama-server.\n',
  );
  process.exit(1);
}

function builtServer() {
  const sources = join(cache, 'src');
  const server = join(sources, 'build', 'bin', 'llama-server');
  if (existsSync(server)) return server;
  process.stderr.write('Building llama.cpp once, which takes some minutes…\n');
  mkdirSync(cache, { recursive: true });
  if (!existsSync(join(sources, 'CMakeLists.txt'))) {
    run('npm', [
      'install',
      '--prefix',
      cache,
      '--ignore-scripts',
      '--omit=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      PACKAGE,
    ]);
    const bundle = join(cache, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle');
    // What an interrupted run may have left of it.
    rmSync(sources, { recursive: true, force: true });
    run('git', ['clone', '--quiet', bundle, sources]);
  }
  run('cmake', ['-B', 'build', '-G', 'Ninja', ...CMAKE_FLAGS], sources);
  run('nice', ['-n', '10', 'ninja', '-C', 'build', 'llama-server'], sources);
  return server;
}

const server = process.env.LLAMA_SERVER ?? builtServer();
if (!existsSync(server)) {
  process.stderr.write(`test-engine: LLAMA_SERVER: there is no ${server}.\n`);
  process.exit(1);
}
mkdirSync(cache, { recursive: true });
const model = join(cache, 'tiny.gguf');
writeTinyModel(model);

const files = ['llama-cpp.engine.ts', 'llama-cpp-insight.engine.ts'];
const { status } = spawnSync('bun', ['test', ...files.map((file) => `./test/engine/${file}`)], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    LLAMA_SERVER: server,
    LLAMA_MODEL: model,
    BUN_CONFIG_MAX_HTTP_REQUESTS: '65336',
  },
});
process.exit(status ?? 1);
