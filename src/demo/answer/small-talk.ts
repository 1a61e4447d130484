// Greetings, thanks, and who is speaking: the engine says that it is a demo and no language model.
// Also what is said when nothing else can be: never an answer that looks as if a model had thought of it.

import type { Answer, Dialogue } from './answer.ts';
import { excerpt, readable } from './reading.ts';
import { nameOf } from './recall.ts';

const GREETING =
  /^\s*(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings|ciao|hola|bonjour|hallo|moin|servus)\b/i;
const THANKS = /^\s*(?:many )?(?:thanks|thank you|thx|cheers|danke|merci|grazie)\b/i;
const BYE = /^\s*(?:good)?bye\b|^\s*see you\b/i;
const IDENTITY =
  /\bwho are you\b|\b(?:what|which) (?:\w+ ){0,2}model (?:are|is this|am I|do you|powers|runs)\b|\bwhat are you\b|\bare you (?:an? |really |even )*(?:ai|llm|language model|real|human|bot|gpt|chatgpt|claude|llama|gemini|demo)\b|\bwho (?:made|built|trained) you\b|\byour name\b|\bintroduce yourself\b|\bwhat can you do\b|\bwhat do you do\b|^\s*help\W*$/i;

const SELF =
  "I am the gateway's built-in demo engine, not a language model. I know capitals, do arithmetic, recall what you " +
  'tell me in a conversation, call tools, fill JSON schemas and read the size of images, so that you can try ' +
  'everything out. Configure an upstream to talk to a real model.';

export function introduce({ question }: Dialogue): Answer | undefined {
  if (!IDENTITY.test(readable(question))) return undefined;
  return {
    text: SELF,
    short: 'Demo.',
    values: { name: 'demo engine', model: 'demo', answer: SELF },
  };
}

export function converse(dialogue: Dialogue): Answer | undefined {
  const question = readable(dialogue.question);
  if (THANKS.test(question)) return { text: 'You are welcome.' };
  if (BYE.test(question)) return { text: 'Goodbye!' };
  if (!GREETING.test(question)) return undefined;
  const name = nameOf(dialogue);
  const whom = name === undefined ? '' : `, ${name}`;
  return {
    text: `Hello${whom}! I am the gateway's demo engine. Ask me for a capital or some arithmetic, or tell me something to remember.`,
    short: 'Hello!',
  };
}

/** What is left to say when no skill knows better. */
export function admitIgnorance({ question }: Dialogue): Answer {
  const understood = excerpt(question);
  if (understood === '') {
    return {
      text: "There is nothing to answer yet. I am the gateway's demo engine: ask me something.",
    };
  }
  return {
    text:
      `You said: "${understood}" I am the gateway's demo engine, not a language model, so I have no answer to that. ` +
      'Ask me for a capital or some arithmetic, or configure an upstream to talk to a real model.',
  };
}
