// What the programs share: checks with names, a line of JSON for each, and where the gateway is.
import { strict as assert } from 'node:assert';

export { assert };
export const { BASE_URL: baseURL = '', API_KEY: apiKey = '' } = process.env;

export async function check(name, run) {
  try {
    await run();
    process.stdout.write(`${JSON.stringify({ name, ok: true })}\n`);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stdout.write(`${JSON.stringify({ name, ok: false, why })}\n`);
  }
}

/** What `run` throws; that it throws at all is asserted. */
export async function failure(run) {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

export const question = 'What is the capital of France?';
export const weatherQuestion = 'What is the weather in Paris?';
export const weather = {
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};
export const weatherResult = '{"city":"Paris","celsius":23}';

export const capitalSchema = {
  type: 'object',
  properties: { capital: { type: 'string' } },
  required: ['capital'],
  additionalProperties: false,
};

/** A picture of one red pixel. */
export const picture =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
