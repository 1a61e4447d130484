// Tools, the choice among them, their calls and their results.
import { isObject } from '../../json/document.ts';
import { parseExact } from '../../json/exact.ts';
import { listJson, withMarkOf, type Block, type Markable } from './block.ts';
import { contentBlocks } from './content.ts';
import { invalid, lacks } from './refusal.ts';

/** The definitions, from the JSON text of a request's `tools`; empty where there are none. */
export function toolDefinitions(json: string | undefined): Markable[] {
  const tools = json === undefined ? null : parseExact(json);
  if (tools === null) return [];
  if (!Array.isArray(tools)) throw invalid('tools', 'must be a list of tool definitions');
  return tools.map((tool: unknown, index) => toolDefinition(tool, `tools[${index}]`));
}

function toolDefinition(tool: unknown, path: string): Markable {
  if (!isObject(tool)) throw invalid(path, 'must be an object');
  const { type, function: fn } = tool;
  if (type !== 'function')
    throw lacks(path, `is asked for functions only here, not ${JSON.stringify(type)}`);
  if (!isObject(fn)) throw invalid(`${path}.function`, 'must be an object');
  const { name, description, parameters, strict } = fn;
  const definition = {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    input_schema: { type: 'object', ...(isObject(parameters) ? parameters : { properties: {} }) },
    ...(strict === true ? { strict } : {}),
  };
  return withMarkOf(withMarkOf({ json: JSON.stringify(definition) }, fn), tool);
}

/** JSON text of the choice; null where the model may do as it likes, which is what is meant without one. */
export function toolChoiceJson(request: Readonly<Record<string, unknown>>): string | null {
  const choice = choiceOf(request['tool_choice']);
  const oneAtMost = request['parallel_tool_calls'] === false && choice.type !== 'none';
  if (choice.type === 'auto' && !oneAtMost) return null;
  return JSON.stringify({ ...choice, ...(oneAtMost ? { disable_parallel_tool_use: true } : {}) });
}

function choiceOf(choice: unknown): { type: string; name?: unknown } {
  if (choice === undefined || choice === null || choice === 'auto') return { type: 'auto' };
  if (choice === 'none') return { type: 'none' };
  if (choice === 'required') return { type: 'any' };
  if (isObject(choice) && choice['type'] === 'function' && isObject(choice['function'])) {
    return { type: 'tool', name: choice['function']['name'] };
  }
  throw lacks('tool_choice', 'knows "auto", "none", "required" and a named function');
}

/** The calls of an assistant message. */
export function toolUseBlocks(calls: unknown, path: string): Block[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw invalid(path, 'must be a list of tool calls');
  return calls.map((call: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!isObject(call) || !isObject(call['function'])) {
      throw lacks(at, 'knows only calls of functions');
    }
    const { name, arguments: args } = call['function'];
    if (typeof name !== 'string') throw invalid(`${at}.function.name`, 'must be a string');
    const id = JSON.stringify(toolUseId(call['id'], `${at}.id`));
    const json = `{"type":"tool_use","id":${id},"name":${JSON.stringify(name)},"input":${inputJson(args)}}`;
    return { type: 'tool_use', json };
  });
}

/** The result that a tool message holds. */
export function toolResultBlock(message: Readonly<Record<string, unknown>>, path: string): Block {
  const id = JSON.stringify(toolUseId(message['tool_call_id'], `${path}.tool_call_id`));
  const parts = contentBlocks(message['content'], `${path}.content`);
  // A mark inside a result means its end as well, and only whole blocks of a message are marked here.
  const mark = parts.findLast((part) => part.mark !== undefined)?.mark;
  const content = listJson(parts.map(({ json }) => ({ json })));
  const json = `{"type":"tool_result","tool_use_id":${id}${parts.length > 0 ? `,"content":${content}` : ''}}`;
  return { type: 'tool_result', json, ...(mark === undefined ? {} : { mark }) };
}

/** The arguments as the model wrote them. What is no object is wrapped, as Anthropic's manual has it for such input. */
function inputJson(args: unknown): string {
  if (args === undefined || args === null) return '{}';
  if (typeof args !== 'string')
    return JSON.stringify(isObject(args) ? args : { INVALID_JSON: args });
  if (args.trim() === '') return '{}';
  return isJsonObject(args) ? args : JSON.stringify({ INVALID_JSON: args });
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Other engines put dots and colons into ids; Anthropic refuses a request with such a one. */
function toolUseId(id: unknown, path: string): string {
  if (typeof id !== 'string' || id === '') throw invalid(path, 'must be the id of a tool call');
  return id.replaceAll(/[^\w-]/g, '_');
}
