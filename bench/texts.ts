// The conversation of bench/prefix.ts: ten turns with what histories are usually damaged by.

export const SYSTEM = `You are a careful assistant for people who run language models at home. ${'Answer in short sentences, and say so where you do not know. '.repeat(4)}`;

export const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'weather',
      description: 'The weather of the coming days in a city',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          days: { type: 'integer' },
          unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
        },
        required: ['city'],
      },
    },
  },
];

/** Answered with a tool call; the next turn gives its result. */
export const TOOL_QUESTION = '東京の天気を調べてください。☔️\n';

/** As a tool prints it: with spaces, in its own order, a line break at the end. */
const TOOL_RESULT =
  '{\n  "temperature": [21.50, 19.0],\n  "city": "東京",\n  "rain": true,\n  "source": "観測所 44132"\n}\n';

export interface Asked {
  readonly name: string;
  readonly text: string;
  /** What the tool said, where the turn before called one. */
  readonly toolResult?: string;
}

export const CONVERSATION: readonly Asked[] = [
  { name: 'a question', text: 'Which model fits into 24 GB of memory, and why?' },
  {
    name: 'a code fence',
    text: 'What does this print?\n\n```ts\nconst sum = (a: number, b: number) => a + b;\nconsole.log(sum(1, 2));\n```\n',
  },
  { name: 'CJK', text: '続けてください。이것도 설명해 주세요，谢谢你！' },
  { name: 'emoji', text: 'And in one emoji, please 👩‍👩‍👧‍👦 🇮🇹 é\u0301 👍🏽' },
  { name: 'a tool call', text: TOOL_QUESTION },
  { name: "the tool's result", text: 'So, an umbrella?', toolResult: TOOL_RESULT },
  { name: 'trailing newlines', text: '  I will paste it with its spaces:  \n\n\n' },
  {
    name: 'JSON and quotes',
    text: 'Escape this: {"path": "C:\\\\temp", "say": "\\"no\\"", "tab": "\t"}\n',
  },
  {
    name: 'a second fence',
    text: '```sh\ncurl -s localhost:8080/health | jq .\n```\n\nWhat is it?',
  },
  { name: 'a last word', text: 'Thank you. Sum it up in one line. ' },
];
