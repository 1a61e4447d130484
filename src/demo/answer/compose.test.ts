import { describe, expect, test } from 'bun:test';

import type { ChatMessage } from '../request.ts';
import { composeAnswer } from './compose.ts';
import { COUNTRIES, UN_MEMBERS } from './countries.ts';

/** The answer to the last of some user messages. */
function ask(...texts: string[]): string {
  const messages = texts.map((text): ChatMessage => ({
    role: 'user',
    text,
    images: [],
    calls: [],
    callId: undefined,
    name: undefined,
  }));
  return composeAnswer(messages).text;
}

describe('capitals', () => {
  test.each([
    ['In one word: capital of Italy?', 'Rome.'],
    ['What is the capital of France?', 'The capital of France is Paris.'],
    ['capital of the us?', 'The capital of the United States is Washington, D.C.'],
    ["What's Germany's capital?", 'The capital of Germany is Berlin.'],
    ['capital of cote d’ivoire', "The capital of Côte d'Ivoire is Yamoussoukro."],
    ['Which country has Rome as its capital?', 'Rome is the capital of Italy.'],
    [
      'What is the capital of Atlantis?',
      'I do not know a country called Atlantis, so I cannot tell its capital.',
    ],
  ])('"%s" is answered "%s"', (question, answer) => {
    expect(ask(question)).toBe(answer);
  });

  test('"And of Spain?" goes on from the question before', () => {
    expect(ask('What is the capital of France?', 'And of Spain?')).toBe(
      'The capital of Spain is Madrid.',
    );
  });

  test('every country of the table is answered with its own capital', () => {
    expect(COUNTRIES.length).toBeGreaterThanOrEqual(UN_MEMBERS);
    for (const [country, capital] of COUNTRIES) {
      expect(ask(`What is the capital of ${country}?`)).toContain(`of ${country} is ${capital}`);
    }
  });
});

describe('arithmetic', () => {
  test.each([
    ['What is 17 * 23?', '17 * 23 = 391.'],
    ['2+2', '2 + 2 = 4.'],
    ["what's 12 divided by 4", '12 / 4 = 3.'],
    ['In one word: 6 times 7?', '42'],
    ['What is 17*23? Only the number.', '391'],
    ['Please answer with only the number: 6 times 7', '42'],
    ['What is 15% of 80?', '15 / 100 * 80 = 12.'],
    ['10/3', '10 / 3 ≈ 3.3333333333.'],
    ['12 / 0', 'I cannot work out 12 / 0: division by zero is undefined.'],
  ])('"%s" is answered "%s"', (question, answer) => {
    expect(ask(question)).toBe(answer);
  });
});

describe('facts', () => {
  test('a stated fact is acknowledged and later recalled', () => {
    const stated = 'My favourite colour is teal. Remember that.';
    expect(ask(stated)).toBe('Noted: your favourite colour is teal.');
    expect(ask(stated, 'What is my favourite colour?')).toBe('Your favourite colour is teal.');
    expect(ask(stated, "What's my favorite color, in one word?")).toBe('Teal.');
  });

  test('the latest statement wins', () => {
    expect(ask('My name is Ada.', 'My name is Grace.', 'What is my name?')).toBe(
      'Your name is Grace.',
    );
  });

  test.each([
    ['I am called Ada', 'What is my name?', 'Your name is Ada.'],
    ['My name is Ada and I live in Turin.', 'Where do I live?', 'You live in Turin.'],
    ['My dog is called Rex.', "What is my dog's name?", "Your dog's name is Rex."],
    [
      'The code word is swordfish. Remember it.',
      'What was the code word?',
      'The code word is swordfish.',
    ],
    ['Remember this number: 8317', 'What number did I ask you to remember?', 'The number is 8317.'],
    ['I am 36 years old.', 'How old am I?', 'You are 36 years old.'],
    ['Hello bird', 'What did I say first?', 'Your first message was: "Hello bird"'],
  ])('"%s", then "%s", is answered "%s"', (stated, question, answer) => {
    expect(ask(stated, question)).toBe(answer);
  });

  test('what was never told is not known', () => {
    expect(ask('What is my favourite colour?')).toStartWith(
      "I don't know your favourite colour yet",
    );
  });

  test('a statement and a question in one message get an acknowledgement and an answer', () => {
    expect(ask('My name is Ada. What is the capital of Peru?')).toBe(
      'Noted: your name is Ada. The capital of Peru is Lima.',
    );
  });
});

describe('doing as told', () => {
  test.each([
    ['Repeat after me: a  b "c"\n\td', 'a  b "c"\n\td'],
    ['Say pong', 'pong'],
    ['Reply with exactly: Ω 👩‍💻 1', 'Ω 👩‍💻 1'],
    ['Say "hello" and nothing else.', 'hello'],
    ['Reply with one word: ready', 'ready'],
    ['Count from 3 to 6', '3, 4, 5, 6.'],
    ['count down from 3 to 1', '3, 2, 1.'],
  ])('"%s" is answered "%s"', (question, answer) => {
    expect(ask(question)).toBe(answer);
  });

  test('a text of N words has N words, up to thousands', () => {
    expect(ask('Write 4,000 words about the sea.').split(' ')).toHaveLength(4_000);
  });
});

describe('honesty', () => {
  test('the engine says that it is a demo, not a language model', () => {
    for (const question of [
      'Who are you?',
      'what model are you',
      'Are you ChatGPT?',
      'Write a haiku about rain.',
    ]) {
      expect(ask(question)).toContain('not a language model');
    }
  });

  test('a greeting greets back, by name where it is known', () => {
    expect(ask('hi')).toStartWith('Hello!');
    expect(ask('My name is Ada.', 'Hello')).toStartWith('Hello, Ada!');
  });

  test('a hostile message is read in bounded time', () => {
    const hostile = [
      'my a is '.repeat(20_000),
      ' '.repeat(100_000),
      `count${' '.repeat(100_000)}x`,
      '(-'.repeat(50_000),
      '.'.repeat(100_000),
      `Say x${' '.repeat(1_000_000)}!`,
    ];
    const startedAt = performance.now();
    for (const text of hostile) ask(text);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
