// Messages and their parts as the document of the API shows them. The checks are made by hand
// (prompt/check-content.ts, chat/chat-request.ts), because they name the part at fault and look into images;
// test/openapi-agreement.test.ts holds both to the same answer.
import { z } from 'zod';

export const dataUri = (what: string) =>
  z
    .string()
    .regex(/^[dD][aA][tT][aA]:/)
    .describe(what);

const textPart = z
  .looseObject({ type: z.literal('text'), text: z.string() })
  .describe('Plain text.');

const imagePart = z
  .looseObject({
    type: z.literal('image_url'),
    image_url: z.looseObject({
      url: dataUri(
        'The picture as `data:<type>;base64,<data>`: PNG, JPEG, WebP or GIF. The gateway fetches nothing: an `http(s)://` URL is `image_url_not_supported`.',
      ),
    }),
  })
  .describe('A picture, inline. The alias has to take pictures: `GET /v1/info`.');

const audioPart = z
  .looseObject({ type: z.literal('input_audio') })
  .describe('Sound, as OpenAI has it, for aliases that take it.');

const videoPart = z
  .looseObject({
    type: z.literal('video_url'),
    video_url: z.looseObject({ url: dataUri('The video as a base64 data URI.') }),
  })
  .describe('A video, inline, for aliases that take it.');

const KNOWN_PARTS = ['text', 'image_url', 'input_audio', 'video_url'];

/** What the gateway does not know is the upstream's business. */
const otherPart = z
  .looseObject({ type: z.string().meta({ not: { enum: KNOWN_PARTS } }) })
  .describe('Any other part goes to the upstream as it came.');

export const contentPartShape = z
  .union([textPart, imagePart, audioPart, videoPart, otherPart])
  .describe('A part of a message: text, a picture, sound or a video.');

const contentShape = z.union([z.string(), z.array(contentPartShape)]).nullish();

export const toolCallShape = z
  .looseObject({
    id: z.string().describe('What the result of the call refers to.'),
    type: z.string().describe('`function`.'),
    function: z.looseObject({
      name: z.string(),
      arguments: z.string().describe('JSON text, as the model wrote it: check it before use.'),
    }),
  })
  .describe('A function that the model wants called.');

export const messageShape = z
  .looseObject({
    role: z.string().describe('`system`, `developer`, `user`, `assistant` or `tool`.'),
    content: contentShape.describe('A text, or a list of parts. May be null beside `tool_calls`.'),
  })
  .meta({
    description:
      "One message of the conversation, in OpenAI's form. Members beyond these (`name`, `tool_calls`, `tool_call_id`, `reasoning_content`, …) go to the upstream as they came.",
  });

export const toolShape = z
  .looseObject({
    type: z.string().describe('`function`.'),
    function: z
      .looseObject({
        name: z.string(),
        description: z.string().nullish().describe('Tells the model when to call it.'),
        parameters: z.looseObject({}).nullish().describe('JSON Schema of the arguments.'),
      })
      .optional(),
  })
  .describe('A function that the model may ask to be called.');
