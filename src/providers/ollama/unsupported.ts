// What of OpenAI's requests Ollama has no way to do. Its server takes such requests, leaves that part out and says
// nothing, so they are refused here; a value that asks for what happens anyway passes.
import { isObject } from '../../json/document.ts';
import { lacking } from './refuse.ts';

type Request = Readonly<Record<string, unknown>>;

/** For each member, whether its value asks for nothing special, and what Ollama has instead. */
const MEMBERS: Readonly<
  Record<string, { has: string; passes(value: unknown, request: Request): boolean }>
> = {
  n: { has: 'one answer at a time', passes: (n) => n === 1 },
  logit_bias: {
    has: 'no bias for single tokens',
    passes: (bias) => isObject(bias) && Object.keys(bias).length === 0,
  },
  tool_choice: {
    has: 'no way to make a model call a tool (auto and none work)',
    passes: (choice, request) => choice === 'auto' || choice === 'none' || !hasTools(request),
  },
  parallel_tool_calls: {
    has: 'no way to hold a model to one call at a time',
    passes: (parallel, request) => parallel === true || !hasTools(request),
  },
  modalities: {
    has: 'text alone for its output',
    passes: (kinds) => Array.isArray(kinds) && kinds.every((kind) => kind === 'text'),
  },
  audio: { has: 'text alone for its output', passes: () => false },
  web_search_options: { has: 'no search of its own', passes: () => false },
  functions: { has: 'tools instead', passes: () => false },
  function_call: { has: 'tools instead', passes: () => false },
};

/** Throws `modality_not_supported`, naming the member. */
export function refuseUnsupported(request: Request): void {
  for (const [member, { has, passes }] of Object.entries(MEMBERS)) {
    const value = request[member];
    if (value === undefined || value === null || passes(value, request)) continue;
    throw lacking(member, has);
  }
  const { tools } = request;
  if (!Array.isArray(tools)) return;
  tools.forEach((tool: unknown, index) => {
    if (isObject(tool) && tool['type'] !== undefined && tool['type'] !== 'function') {
      throw lacking(`tools[${index}].type`, 'functions alone for its tools');
    }
  });
}

function hasTools({ tools }: Request): boolean {
  return Array.isArray(tools) && tools.length > 0;
}
