// Tools as function declarations, and the choice among them.
import { isObject } from '../../json/document.ts';
import { isThirdGeneration, type ModelFacts } from './model-facts.ts';
import { lacking, malformed } from './refuse.ts';
import { given, type ChatRequest } from './wire.ts';

interface CallingConfig {
  readonly mode: 'AUTO' | 'ANY' | 'NONE' | 'VALIDATED';
  readonly allowedFunctionNames?: readonly string[];
}

/** Whether a request offers any tools: a choice among none means nothing. */
export function hasTools({ tools }: ChatRequest): boolean {
  return Array.isArray(tools) && tools.length > 0;
}

export function toolMembers(request: ChatRequest, facts: ModelFacts): object {
  const { tools } = request;
  if (given(tools) && !Array.isArray(tools)) {
    throw malformed('tools', 'a list of tool definitions');
  }
  if (!Array.isArray(tools) || tools.length === 0) return {};
  const functions = tools.map((tool: unknown, index) => declaration(tool, `tools[${index}]`));
  // Older models know no mode that holds them to a schema and yet leaves them the choice.
  const isStrict = isThirdGeneration(facts) && functions.some(({ strict }) => strict);
  const config = callingConfig(request['tool_choice'], isStrict);
  return {
    tools: [{ functionDeclarations: functions.map(({ declared }) => declared) }],
    ...(config === null ? {} : { toolConfig: { functionCallingConfig: config } }),
  };
}

function declaration(tool: unknown, path: string): { declared: object; strict: boolean } {
  if (!isObject(tool)) throw malformed(path, 'an object with a type');
  if (tool['type'] !== 'function') {
    throw lacking(`${path}.type`, 'functions alone for the tools of a chat');
  }
  const fn = tool['function'];
  if (!isObject(fn) || typeof fn['name'] !== 'string') {
    throw malformed(`${path}.function`, 'an object with a name');
  }
  const { name, description, parameters, strict } = fn;
  const declared = {
    name,
    ...(given(description) ? { description } : {}),
    ...(given(parameters) ? { parametersJsonSchema: parameters } : {}),
  };
  return { declared, strict: strict === true };
}

function callingConfig(choice: unknown, isStrict: boolean): CallingConfig | null {
  const free: CallingConfig | null = isStrict ? { mode: 'VALIDATED' } : null;
  if (!given(choice) || choice === 'auto') return free;
  if (choice === 'none') return { mode: 'NONE' };
  if (choice === 'required') return { mode: 'ANY' };
  if (isObject(choice) && choice['type'] === 'function') {
    return { mode: 'ANY', allowedFunctionNames: [functionName(choice, 'tool_choice')] };
  }
  if (isObject(choice) && choice['type'] === 'allowed_tools') {
    return allowedTools(choice['allowed_tools']);
  }
  throw lacking('tool_choice', 'auto, none, required, a function and allowed_tools to choose from');
}

function allowedTools(allowed: unknown): CallingConfig {
  if (!isObject(allowed) || !Array.isArray(allowed['tools'])) {
    throw malformed('tool_choice.allowed_tools', 'an object with mode and tools');
  }
  const names = allowed['tools'].map((tool: unknown, index) =>
    functionName(tool, `tool_choice.allowed_tools.tools[${index}]`),
  );
  // AUTO takes no list of names.
  const mode = allowed['mode'] === 'required' ? 'ANY' : 'VALIDATED';
  return { mode, allowedFunctionNames: names };
}

function functionName(tool: unknown, path: string): string {
  const fn = isObject(tool) ? tool['function'] : undefined;
  const name = isObject(fn) ? fn['name'] : undefined;
  if (typeof name !== 'string') throw malformed(`${path}.function.name`, 'a string');
  return name;
}
