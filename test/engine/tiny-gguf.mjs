// Writes a GGUF model of 131,392 random weights that llama.cpp loads and serves: a real engine to test against, with
// nothing to download. What it says makes no sense; how it says it is the real thing.
import { writeFileSync } from 'node:fs';

const WIDTH = 64;
const HEADS = 4;
const LAYERS = 2;
const FEED_FORWARD = 128;
const CONTEXT = 4096;
const ALIGNMENT = 32;

const CHAT_TEMPLATE =
  '{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}' +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

/** GGUF's numbers for the types of metadata values. */
const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 };

/** llama.cpp's numbers for the types of tokens. */
const TOKEN = { normal: 1, unknown: 2, control: 3, unused: 5, byte: 6 };

function packed(size, method, value) {
  const bytes = Buffer.alloc(size);
  bytes[method](value);
  return bytes;
}

const u32 = (value) => packed(4, 'writeUInt32LE', value);
const i32 = (value) => packed(4, 'writeInt32LE', value);
const f32 = (value) => packed(4, 'writeFloatLE', value);
const u64 = (value) => packed(8, 'writeBigUInt64LE', BigInt(value));

function string(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
}

const array = (type, values, write) =>
  Buffer.concat([u32(type), u64(values.length), ...values.map(write)]);

/** A SentencePiece vocabulary: special tokens, every byte, printable ASCII and a few longer pieces. */
function vocabulary() {
  const tokens = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>'].map((text, at) => ({
    text,
    type: at === 0 ? TOKEN.unknown : TOKEN.control,
  }));
  for (let byte = 0; byte < 256; byte++) {
    const hex = byte.toString(16).toUpperCase().padStart(2, '0');
    tokens.push({ text: `<0x${hex}>`, type: TOKEN.byte });
  }
  const ascii = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at));
  for (const text of ['\u2581', '\u2581the', 'er', 'in', ...ascii, 'true', 'false']) {
    tokens.push({ text, type: TOKEN.normal });
  }
  while (tokens.length % 32 !== 0)
    tokens.push({ text: `<pad${tokens.length}>`, type: TOKEN.unused });
  return tokens;
}

function metadata(tokens) {
  const entries = [];
  const add = (key, type, value) => entries.push(Buffer.concat([string(key), u32(type), value]));
  const addText = (key, value) => add(key, TYPE.string, string(value));
  const addCount = (key, value) => add(key, TYPE.u32, u32(value));
  const addFlag = (key, value) => add(key, TYPE.bool, Buffer.from([value ? 1 : 0]));

  addText('general.architecture', 'llama');
  addText('general.name', 'tiny-random');
  addCount('general.file_type', 0);
  addCount('general.alignment', ALIGNMENT);
  addCount('llama.vocab_size', tokens.length);
  addCount('llama.context_length', CONTEXT);
  addCount('llama.embedding_length', WIDTH);
  addCount('llama.block_count', LAYERS);
  addCount('llama.feed_forward_length', FEED_FORWARD);
  addCount('llama.attention.head_count', HEADS);
  addCount('llama.attention.head_count_kv', HEADS);
  addCount('llama.rope.dimension_count', WIDTH / HEADS);
  add('llama.attention.layer_norm_rms_epsilon', TYPE.f32, f32(1e-5));
  add('llama.rope.freq_base', TYPE.f32, f32(10_000));

  const lists = [
    ['tokens', TYPE.string, tokens.map(({ text }) => text), string],
    // What comes first in the vocabulary is preferred; special tokens and bytes are the last resort.
    ['scores', TYPE.f32, tokens.map((_, at) => (at < 261 ? -1_000 : -at)), f32],
    ['token_type', TYPE.i32, tokens.map(({ type }) => type), i32],
  ];
  addText('tokenizer.ggml.model', 'llama');
  addText('tokenizer.ggml.pre', 'default');
  for (const [name, type, values, write] of lists) {
    add(`tokenizer.ggml.${name}`, TYPE.array, array(type, values, write));
  }
  addCount('tokenizer.ggml.bos_token_id', 1);
  addCount('tokenizer.ggml.eos_token_id', 2);
  addCount('tokenizer.ggml.unknown_token_id', 0);
  addFlag('tokenizer.ggml.add_bos_token', true);
  addFlag('tokenizer.ggml.add_eos_token', false);
  addFlag('tokenizer.ggml.add_space_prefix', false);
  addText('tokenizer.chat_template', CHAT_TEMPLATE);
  return entries;
}

/** Numbers from -1 to 1, the same at every run. */
function createRandom() {
  let state = 42;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) / 2 ** 32 - 0.5) * 2;
  };
}

function weights(vocabularySize) {
  const random = createRandom();
  const tensors = [];
  const add = (name, shape, value) => {
    const numbers = new Float32Array(shape.reduce((product, size) => product * size, 1)).map(value);
    tensors.push({ name, shape, bytes: Buffer.from(numbers.buffer) });
  };
  const addRandom = (name, shape, scale = 0.15) => add(name, shape, () => random() * scale);
  const addOnes = (name) => add(name, [WIDTH], () => 1);

  addRandom('token_embd.weight', [WIDTH, vocabularySize]);
  for (let layer = 0; layer < LAYERS; layer++) {
    const named = (part) => `blk.${layer}.${part}.weight`;
    addOnes(named('attn_norm'));
    for (const part of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) {
      addRandom(named(part), [WIDTH, WIDTH]);
    }
    addOnes(named('ffn_norm'));
    addRandom(named('ffn_gate'), [WIDTH, FEED_FORWARD]);
    addRandom(named('ffn_up'), [WIDTH, FEED_FORWARD]);
    addRandom(named('ffn_down'), [FEED_FORWARD, WIDTH]);
  }
  addOnes('output_norm.weight');
  // Larger, so that one token is clearly the likeliest.
  addRandom('output.weight', [WIDTH, vocabularySize], 1.5);
  return tensors;
}

const aligned = (size) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
}

/** Writes the model to `path`, byte for byte the same each time. */
export function writeTinyModel(path) {
  const tokens = vocabulary();
  const entries = metadata(tokens);
  const tensors = weights(tokens.length);
  let offset = 0;
  const directory = tensors.map(({ name, shape, bytes }) => {
    const entry = [string(name), u32(shape.length), ...shape.map(u64), u32(0), u64(offset)];
    offset += aligned(bytes.length);
    return Buffer.concat(entry);
  });
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)];
  writeFileSync(
    path,
    Buffer.concat([
      padded(Buffer.concat([...head, ...entries, ...directory])),
      ...tensors.map(({ bytes }) => padded(bytes)),
    ]),
  );
}
