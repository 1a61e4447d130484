// Defines a function that the model may call.
import { useState } from 'preact/hooks';
import { toolProblem, type ToolDraft } from '../request/settings.ts';
import { settings } from '../state/state.ts';
import { closeDialog, Dialog } from './dialog.tsx';

const EXAMPLE: ToolDraft = {
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: `{
  "type": "object",
  "properties": {
    "city": { "type": "string", "description": "Name of the city" }
  },
  "required": ["city"]
}`,
};

export function ToolDialog({ index }: { index: number | null }) {
  const { tools } = settings.value;
  const [tool, setTool] = useState(index === null ? EXAMPLE : (tools[index] ?? EXAMPLE));
  const [isChecked, setChecked] = useState(false);
  const isTaken = tools.some(({ name }, at) => name === tool.name && at !== index);
  const problem = isTaken
    ? 'There is a function of this name already.'
    : (toolProblem('tool', tool)[0]?.message ?? null);
  const save = (): void => {
    setChecked(true);
    if (problem !== null) return;
    const changed = index === null ? [...tools, tool] : tools.with(index, tool);
    settings.value = { ...settings.value, tools: changed };
    closeDialog();
  };
  return (
    <Dialog title={index === null ? 'Add a function' : 'Change the function'} class="tool-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <label class="label" for="tool-name">
          Name
        </label>
        <input
          id="tool-name"
          class="field mono"
          autocomplete="off"
          value={tool.name}
          onInput={({ currentTarget: { value } }) => setTool({ ...tool, name: value })}
        />
        <label class="label" for="tool-description">
          What it does
        </label>
        <input
          id="tool-description"
          class="field"
          autocomplete="off"
          value={tool.description}
          onInput={({ currentTarget: { value } }) => setTool({ ...tool, description: value })}
        />
        <label class="label" for="tool-parameters">
          Parameters <span class="label-hint">JSON schema</span>
        </label>
        <textarea
          id="tool-parameters"
          class="field mono"
          rows={10}
          spellcheck={false}
          value={tool.parameters}
          onInput={({ currentTarget: { value } }) => setTool({ ...tool, parameters: value })}
        />
        <p class="problem" role="alert">
          {isChecked ? problem : null}
        </p>
        <p class="dialog-actions">
          <button class="button" type="button" onClick={closeDialog}>
            Cancel
          </button>
          <button class="button primary" type="submit">
            {index === null ? 'Add' : 'Change'}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
