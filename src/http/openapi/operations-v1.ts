// The document's entries for /v1.
import { z } from 'zod';
import { chunkShape, completionShape } from '../chat-reply-shapes.ts';
import { documentedChatCompletions } from '../v1/chat-shape.ts';
import { infoShape, modelListShape, modelShape } from '../v1/model-shapes.ts';
import { BODY_ERRORS, MODEL_ERRORS } from './errors-of.ts';
import {
  completionOf,
  FAILED_STREAM,
  PIXEL,
  STREAM,
  WEATHER_TOOL,
  weatherCall,
} from './examples/answers.ts';
import { MODEL } from './examples/conversation.ts';
import { INFO, MODELS } from './examples/models.ts';
import { ANSWER_HEADERS, STREAM_HEADERS } from './headers.ts';
import { EVENT_STREAM, JSON_TYPE, type Examples, type Operations } from './operation.ts';

const CAPITAL = [{ role: 'user', content: 'In one word: capital of Italy?' }];

const REQUESTS: Examples = {
  answer: {
    summary: 'A whole answer',
    value: { model: MODEL, messages: CAPITAL, max_tokens: 30 },
  },
  stream: {
    summary: 'A streamed answer, with its usage',
    value: {
      model: MODEL,
      messages: CAPITAL,
      stream: true,
      stream_options: { include_usage: true },
    },
  },
  picture: {
    summary: 'A question about a picture',
    description: 'Pictures are inline. This one is a single red pixel.',
    value: {
      model: MODEL,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is in this picture?' },
            { type: 'image_url', image_url: { url: PIXEL } },
          ],
        },
      ],
    },
  },
  tools: {
    summary: 'A function that the model may call',
    value: {
      model: MODEL,
      messages: [{ role: 'user', content: 'What is the weather in Rome?' }],
      tools: [WEATHER_TOOL],
    },
  },
  tool_result: {
    summary: 'The result of that function',
    value: {
      model: MODEL,
      messages: [
        { role: 'user', content: 'What is the weather in Rome?' },
        { role: 'assistant', content: null, tool_calls: [weatherCall] },
        { role: 'tool', tool_call_id: weatherCall.id, content: '{"sky":"clear","celsius":24}' },
      ],
      tools: [WEATHER_TOOL],
    },
  },
  drawing: {
    summary: 'A picture to be drawn',
    description: 'Takes up to some minutes: give your client a time limit of 240 seconds or more.',
    value: { model: 'image-gen', messages: [{ role: 'user', content: 'Draw a red circle.' }] },
  },
};

const ANSWERS: Examples = {
  answer: { summary: 'A whole answer', value: completionOf({ content: 'Rome.' }) },
  tools: {
    summary: 'A call of a function',
    value: completionOf({ tool_calls: [weatherCall] }, { finishReason: 'tool_calls' }),
  },
  drawing: {
    summary: 'A drawn picture',
    value: completionOf(
      { content: '', images: [{ type: 'image_url', image_url: { url: PIXEL } }] },
      { model: 'image-gen' },
    ),
  },
};

export const v1Operations: Operations = {
  'POST /v1/chat/completions': {
    operationId: 'createChatCompletion',
    tag: 'Stateless chat',
    summary: 'Answer a conversation',
    description:
      "OpenAI's Chat Completions: what their SDKs send and expect. You send the whole conversation every time, and the gateway keeps none of it. Targets of the alias are tried in order until one begins to answer; `x-gateway-upstream` tells who did. If you leave, the model is stopped.",
    body: {
      required: true,
      description: 'The conversation, and how to answer it.',
      content: { [JSON_TYPE]: { schema: documentedChatCompletions, examples: REQUESTS } },
    },
    replies: {
      200: {
        description:
          'The answer: whole, or as an event stream where `stream` is true. The stream is one chunk an event and then `[DONE]`.',
        optionalHeaders: [...ANSWER_HEADERS, 'x-gateway-applied', ...STREAM_HEADERS],
        content: {
          [JSON_TYPE]: { schema: completionShape, examples: ANSWERS },
          [EVENT_STREAM]: {
            schema: chunkShape,
            examples: {
              answer: { summary: 'A whole stream', value: STREAM },
              failure: { summary: 'A stream that fails in mid-answer', value: FAILED_STREAM },
            },
          },
        },
      },
    },
    errors: [...BODY_ERRORS, ...MODEL_ERRORS],
  },

  'GET /v1/models': {
    operationId: 'listModels',
    tag: 'Models',
    summary: 'List the aliases',
    description: "The aliases that can be asked for as `model`, in OpenAI's form.",
    replies: {
      200: {
        description: 'All aliases.',
        content: {
          [JSON_TYPE]: {
            schema: modelListShape,
            examples: {
              models: { summary: 'Two aliases', value: { object: 'list', data: MODELS } },
            },
          },
        },
      },
    },
  },

  'GET /v1/models/{id}': {
    operationId: 'getModel',
    tag: 'Models',
    summary: 'Look an alias up',
    description: "One alias, in OpenAI's form. An id may hold slashes, as they are or as `%2F`.",
    path: [{ name: 'id', description: 'The alias.', schema: z.string(), example: MODEL }],
    replies: {
      200: {
        description: 'The alias.',
        content: {
          [JSON_TYPE]: {
            schema: modelShape,
            examples: { model: { summary: 'An alias', value: MODELS[0] } },
          },
        },
      },
    },
    errors: ['model_not_found'],
  },

  'GET /v1/info': {
    operationId: 'getInfo',
    tag: 'Models',
    summary: 'What the models can do',
    description:
      'The catalogue: what each alias can do, its limits, who answers for it and how they are, by background probes.',
    replies: {
      200: {
        description: 'All aliases and upstreams.',
        content: {
          [JSON_TYPE]: {
            schema: infoShape,
            examples: { info: { summary: 'One alias on one upstream', value: INFO } },
          },
        },
      },
    },
  },
};
