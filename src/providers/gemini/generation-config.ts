// The parameters of a request as Gemini's generationConfig.
import { isObject } from '../../json/document.ts';
import type { ModelFacts } from './model-facts.ts';
import { lacking, malformed } from './refuse.ts';
import { thinkingConfig } from './thinking.ts';
import { given, type ChatRequest } from './wire.ts';

/** OpenAI's parameters, and those that other engines take beside them, that go over as they are. */
const SAME: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  seed: 'seed',
  max_tokens: 'maxOutputTokens',
  // After max_tokens: it wins where a request has both.
  max_completion_tokens: 'maxOutputTokens',
};

/** Some models refuse to hear of penalties: 0, which many clients always send, is not mentioned. */
const PENALTIES: Readonly<Record<string, string>> = {
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
};

/** The members of a request that end up here. */
export const GENERATION_MEMBERS: readonly string[] = [
  ...Object.keys(SAME),
  ...Object.keys(PENALTIES),
  'stop',
  'n',
  'logprobs',
  'top_logprobs',
  'response_format',
  'modalities',
  'image_config',
  'reasoning',
  'reasoning_effort',
  'include_reasoning',
];

export function generationConfig(request: ChatRequest, facts: ModelFacts): object {
  const config: Record<string, unknown> = {};
  for (const [member, name] of Object.entries(SAME)) {
    if (given(request[member])) config[name] = request[member];
  }
  for (const [member, name] of Object.entries(PENALTIES)) {
    if (given(request[member]) && request[member] !== 0) config[name] = request[member];
  }
  const { stop, n, logprobs, top_logprobs } = request;
  if (given(stop)) config['stopSequences'] = Array.isArray(stop) ? stop : [stop];
  if (given(n) && n !== 1) config['candidateCount'] = n;
  if (logprobs === true) config['responseLogprobs'] = true;
  if (logprobs === true && given(top_logprobs)) config['logprobs'] = top_logprobs;
  const thinking = thinkingConfig(request, facts);
  return {
    ...config,
    ...responseFormat(request['response_format']),
    ...modalities(request['modalities'], facts),
    ...imageConfig(request['image_config']),
    ...(thinking === undefined ? {} : { thinkingConfig: thinking }),
  };
}

function responseFormat(format: unknown): object {
  if (!given(format)) return {};
  const type = isObject(format) ? format['type'] : undefined;
  if (!isObject(format) || typeof type !== 'string') {
    throw malformed('response_format', 'an object with a type');
  }
  const json = { responseMimeType: 'application/json' };
  if (type === 'text') return {};
  if (type === 'json_object') return json;
  if (type !== 'json_schema') throw lacking('response_format.type', 'JSON and text only');
  const inner = format['json_schema'];
  const schema = isObject(inner) ? inner['schema'] : undefined;
  if (!isObject(schema)) throw malformed('response_format.json_schema.schema', 'a JSON schema');
  return { ...json, responseJsonSchema: schema };
}

function modalities(kinds: unknown, { draws }: ModelFacts): object {
  if (!given(kinds)) return draws ? { responseModalities: ['TEXT', 'IMAGE'] } : {};
  if (!Array.isArray(kinds)) throw malformed('modalities', 'a list of text and image');
  const names = kinds.map((kind: unknown, index) => {
    if (kind === 'text') return 'TEXT';
    if (kind === 'image') return 'IMAGE';
    throw lacking(`modalities[${index}]`, 'text and images alone for the answers of a chat');
  });
  return names.every((name) => name === 'TEXT') && !draws ? {} : { responseModalities: names };
}

const IMAGE_SETTINGS: Readonly<Record<string, string>> = {
  aspect_ratio: 'aspectRatio',
  image_size: 'imageSize',
};

/** As OpenRouter has it. */
function imageConfig(settings: unknown): object {
  if (!given(settings)) return {};
  if (!isObject(settings)) throw malformed('image_config', 'an object');
  const config: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(settings)) {
    if (!given(value)) continue;
    const name = IMAGE_SETTINGS[key];
    if (name === undefined) {
      throw lacking(`image_config.${key}`, 'aspect_ratio and image_size alone for images');
    }
    config[name] = value;
  }
  return { imageConfig: config };
}
