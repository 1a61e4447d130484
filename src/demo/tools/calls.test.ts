import { expect, test } from 'bun:test';

import { composeReply } from '../reply.ts';
import { parseChatRequest } from '../request.ts';

function tool(name: string, properties: object, required: readonly string[]): object {
  const description = name.replaceAll('_', ' ');
  return {
    type: 'function',
    function: { name, description, parameters: { type: 'object', properties, required } },
  };
}

const string = { type: 'string' };
const weather = tool(
  'get_weather',
  { city: string, unit: { enum: ['celsius', 'fahrenheit'] }, days: { type: 'integer' } },
  ['city'],
);
const time = tool('get_time', { timezone: string }, ['timezone']);
const calculator = tool('calculator', { expression: string }, ['expression']);
const add = tool(
  'add_numbers',
  { a: { type: 'number' }, b: { type: 'number' }, exact: { type: 'boolean' } },
  ['a', 'b', 'exact'],
);
const email = tool(
  'send_email',
  { to: string, body: string, cc: { type: 'array', items: string } },
  ['to', 'body', 'cc'],
);
const tools = [weather, time, calculator, add, email];

function calls(question: string, more: object = {}): [string, unknown][] {
  const messages = [{ role: 'user', content: question }];
  const request = parseChatRequest(JSON.stringify({ model: 'demo', messages, tools, ...more }));
  return composeReply(request).calls.map((call): [string, unknown] => [
    call.name,
    JSON.parse(call.arguments),
  ]);
}

test('a message calls the tool whose words it has, with arguments from its own words', () => {
  expect(calls('What is the weather in Paris?')).toEqual([['get_weather', { city: 'Paris' }]]);
  expect(calls('weather in san remo tomorrow in fahrenheit')).toEqual([
    ['get_weather', { city: 'san remo', unit: 'fahrenheit' }],
  ]);
  expect(calls('5 days weather forecast in Oslo')).toEqual([
    ['get_weather', { city: 'Oslo', days: 5 }],
  ]);
  expect(calls('What is 17 * 23?')).toEqual([['calculator', { expression: '17 * 23' }]]);
});

test('required arguments are always there and of their types', () => {
  expect(calls('Add 3 and 5.5')).toEqual([['add_numbers', { a: 3, b: 5.5, exact: false }]]);
  expect(calls('Send an email to bob@example.com saying hello there')).toEqual([
    ['send_email', { to: 'bob@example.com', body: 'hello there', cc: expect.any(Array) }],
  ]);
});

test('two fitting tools, or two places for one tool, are called in parallel unless that is forbidden', () => {
  const both = 'What is the weather in Paris and what time is it there?';
  expect(calls(both).map(([name]) => name)).toEqual(['get_weather', 'get_time']);
  expect(calls(both, { parallel_tool_calls: false })).toHaveLength(1);
  expect(calls('Weather in Paris, Rome and New York?').map(([, given]) => given)).toEqual([
    { city: 'Paris' },
    { city: 'Rome' },
    { city: 'New York' },
  ]);
});

test('nothing is called when nothing fits or tool_choice is none', () => {
  expect(calls('My favourite colour is teal. Remember that.')).toEqual([]);
  expect(calls('What is the capital of Italy?')).toEqual([]);
  expect(calls('What is the weather in Paris?', { tool_choice: 'none' })).toEqual([]);
});

test('tool_choice required calls some tool, and a named function is called whatever was said', () => {
  expect(calls('hello', { tool_choice: 'required' })).toHaveLength(1);
  const named = { type: 'function', function: { name: 'get_time' } };
  expect(calls('hello', { tool_choice: named }).map(([name]) => name)).toEqual(['get_time']);
});
