// How a chat request says that it wants a stream, in both APIs.
import { z } from 'zod';

export const streamShapes = {
  stream: z
    .boolean()
    .nullish()
    .describe('true: the answer comes as an event stream. This alone decides, not `Accept`.'),
  stream_options: z
    .looseObject({
      include_usage: z
        .boolean()
        .nullish()
        .describe('true: one more chunk tells the usage, before `[DONE]`.'),
    })
    .nullish(),
};
