// The model has called tools: whoever looks at it plays the tools, and types in what they give.
import { useEffect, useRef } from 'preact/hooks';
import { openCalls, submitResults } from '../state/compose.ts';
import { draft, toolResults } from '../state/state.ts';
import { Icon } from './icon.tsx';

export function ToolResults() {
  const calls = openCalls();
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // Whoever has just asked is in the field below, and goes on here.
    const isAsking = document.activeElement?.id === 'composer' && draft.value === '';
    if (isAsking) form.current?.querySelector('textarea')?.focus();
  }, []);
  return (
    <form
      ref={form}
      class="tool-results"
      aria-label="Results of the tools"
      onSubmit={(event) => {
        event.preventDefault();
        submitResults();
      }}
    >
      <p>
        <Icon name="tool" size={16} />
        The model waits for{' '}
        {calls.length === 1 ? 'the result of a tool' : `${calls.length} results`}. Play the tool:
        type in what it gives.
      </p>
      {calls.map(({ id, function: { name, arguments: given } }, at) => (
        <label key={id} class="tool-result-field">
          <span class="label">
            <code>{name}</code>
            <span class="tool-arguments">{given}</span>
          </span>
          <textarea
            class="field"
            rows={2}
            dir="auto"
            aria-label={`Result of ${name}${calls.length > 1 ? `, call ${at + 1}` : ''}`}
            placeholder='{"temperature": 21}'
            value={toolResults.value.get(id)?.content ?? ''}
            onInput={({ currentTarget: { value } }) => {
              const result = { tool_call_id: id, content: value };
              toolResults.value = new Map(toolResults.value).set(id, result);
            }}
          />
        </label>
      ))}
      <button class="button primary small" type="submit">
        Send {calls.length === 1 ? 'the result' : 'the results'}
      </button>
    </form>
  );
}
