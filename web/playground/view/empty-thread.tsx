// A thread without a message: what can be done here, and questions that show it.
import type { Model } from '../state/models.ts';
import { modelInUse } from '../state/models.ts';
import { draft, thread } from '../state/state.ts';
import { focusComposer } from '../state/compose.ts';

const QUESTIONS = [
  {
    title: 'Tell it something',
    text: 'My favourite colour is teal, and I live in Lyon. Please remember that.',
  },
  { title: 'See that it remembers', text: 'What is my favourite colour, and where do I live?' },
  { title: 'Ask for a sum', text: 'What is 17 * 23 - 4?' },
  { title: 'A long answer', text: 'Write a text of 600 words about lighthouses.' },
] as const;
const PICTURES = [
  { title: 'A drawing', text: 'A lighthouse at dusk, as a linocut in three colours.' },
  { title: 'Something to change', text: 'A small red boat on calm water, seen from above.' },
] as const;

export function EmptyThread() {
  const model = modelInUse();
  const isRaw = thread.value.mode === 'v1';
  return (
    <div class="empty">
      <h1>{model ? `Talk to ${model.alias}` : 'Talk to a model'}</h1>
      <p>
        {isRaw
          ? 'Without memory: this page sends the whole history each time, to /v1. A reload empties it.'
          : 'With memory: the gateway keeps the conversation, and you send one message at a time, to /c1.'}
      </p>
      <ul class="starters" aria-label="Questions to begin with">
        {startersFor(model).map(({ title, text }) => (
          <li key={title}>
            <button
              type="button"
              onClick={() => {
                draft.value = text;
                focusComposer();
              }}
            >
              <strong>{title}</strong>
              <span>{text}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function startersFor(model: Model | null) {
  return model?.capabilities.image_generation ? PICTURES : QUESTIONS;
}
