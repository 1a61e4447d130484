// Makes the calls: arguments from the message, of the types that the tool's schema asks for.
// A model would make arguments up where the message is silent; here they are the plainest that the schema allows.

import type { Dialogue } from '../answer/answer.ts';
import { type Clues, cluesIn } from '../clues.ts';
import { proposeFrom } from '../fields.ts';
import type { Call } from '../generate.ts';
import { isObject, type Json } from '../json.ts';
import { valueFor } from '../json-schema.ts';
import type { ChatRequest, Tool } from '../request.ts';
import { chooseTools } from './choose.ts';

const MAX_CALLS = 8;

/** The calls that the last message asks for; empty where it is to be answered in words. */
export function callTools(request: ChatRequest, dialogue: Dialogue): Call[] {
  const tools = chooseTools(request, dialogue);
  const clues = cluesIn(dialogue.question);
  const perPlace = request.parallelCalls && tools.length === 1 && clues.places.length > 1;
  const calls = tools.flatMap((tool) =>
    perPlace && takesOnePlace(tool)
      ? clues.places.map((place) => callOf(tool, { ...clues, places: [place] }))
      : [callOf(tool, clues)],
  );
  return calls.slice(0, MAX_CALLS);
}

function callOf(tool: Tool, clues: Clues): Call {
  const propose = proposeFrom(clues);
  const filling = {
    // A tool's required string has to be something; the nearest thing to what was meant is what was said.
    propose: (field: string, type: string): Json | undefined =>
      propose(field, type) ??
      (type === 'string' && isRequired(tool, field) ? (clues.quoted[0] ?? clues.topic) : undefined),
    mentions: clues.message,
    sparse: true,
  };
  return {
    id: `call_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`,
    name: tool.name,
    arguments: JSON.stringify(valueFor(tool.parameters, filling)),
  };
}

function isRequired(tool: Tool, field: string): boolean {
  const { required } = tool.parameters;
  return Array.isArray(required) && required.includes(field);
}

/** "The weather in Paris and Rome" is two calls of a tool that takes one place, but one of "from" and "to". */
function takesOnePlace({ parameters }: Tool): boolean {
  const properties = isObject(parameters['properties']) ? parameters['properties'] : {};
  const places = Object.entries(properties).filter(
    ([name, schema]) =>
      /city|location|place|town|country/i.test(name) &&
      isObject(schema) &&
      schema['type'] === 'string',
  );
  const pairs = Object.keys(properties).some((name) =>
    /^(?:from|to|origin|destination)/i.test(name),
  );
  return places.length === 1 && !pairs;
}
