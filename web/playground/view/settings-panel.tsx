// What is set beside the message: system prompt, parameters, the answer's form, tools.
import { NUMBER_FIELDS, problemsIn, type NumberField, type Settings } from '../request/settings.ts';
import { DEFAULT_SETTINGS } from '../request/settings.ts';
import { dialog, drawer, settings, thread } from '../state/state.ts';
import { modelInUse } from '../state/models.ts';
import { Icon, IconButton } from './icon.tsx';

function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changes };
}

function problemWith(field: string): string | null {
  return problemsIn(settings.value).find((problem) => problem.field === field)?.message ?? null;
}

export function SettingsPanel() {
  return (
    <aside
      id="settings"
      class="settings"
      aria-label="Settings"
      hidden={drawer.value !== 'settings'}
    >
      <header>
        <h2>Settings</h2>
        <button class="button quiet small" type="button" onClick={() => change(DEFAULT_SETTINGS)}>
          Reset
        </button>
        <IconButton
          icon="close"
          label="Close the settings"
          onClick={() => (drawer.value = 'none')}
        />
      </header>
      <SystemPrompt />
      <Parameters />
      <AnswerForm />
      <Tools />
    </aside>
  );
}

function SystemPrompt() {
  const { id, system, tree } = thread.value;
  const isFixed = id !== null && tree.nodes.size > 0;
  return (
    <section>
      <label class="label" for="system">
        System prompt
      </label>
      <textarea
        id="system"
        class="field"
        rows={4}
        dir="auto"
        placeholder="How the model is to answer"
        disabled={isFixed}
        aria-describedby="system-hint"
        value={isFixed ? (system ?? '') : settings.value.system}
        onInput={({ currentTarget: { value } }) => change({ system: value })}
      />
      <p id="system-hint" class="hint">
        {isFixed
          ? 'A conversation keeps the one that it was begun with.'
          : 'Given with the first message of a conversation.'}
      </p>
    </section>
  );
}

function Parameters() {
  const { stop, reasoningEffort } = settings.value;
  const floor = modelInUse()?.constraints.min_max_tokens ?? null;
  return (
    <section>
      <h3>Parameters</h3>
      <div class="parameters">
        {NUMBER_FIELDS.map((known) => (
          <NumberInput key={known.key} known={known} />
        ))}
      </div>
      {floor === null ? null : (
        <p class="hint">This model gets at least {floor} tokens for its answer.</p>
      )}
      <label class="label" for="stop">
        Stop at <span class="label-hint">one text a line</span>
      </label>
      <textarea
        id="stop"
        class="field mono"
        rows={2}
        value={stop}
        onInput={({ currentTarget: { value } }) => change({ stop: value })}
      />
      <label class="label" for="effort">
        Reasoning effort
      </label>
      <select
        id="effort"
        class="field"
        value={reasoningEffort}
        onChange={({ currentTarget: { value } }) => change({ reasoningEffort: value })}
      >
        <option value="">as the model has it</option>
        <option value="low">low</option>
        <option value="medium">medium</option>
        <option value="high">high</option>
      </select>
    </section>
  );
}

function NumberInput({ known }: { known: NumberField }) {
  const { key, label, name, hint } = known;
  const problem = problemWith(key);
  return (
    <div>
      <label class="label" for={`set-${key}`}>
        {label}
      </label>
      <input
        id={`set-${key}`}
        class="field"
        inputMode="decimal"
        autocomplete="off"
        placeholder={hint}
        title={name}
        value={settings.value[key]}
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : `set-${key}-problem`}
        onInput={({ currentTarget: { value } }) => change({ [key]: value })}
      />
      {problem === null ? null : (
        <p id={`set-${key}-problem`} class="problem">
          {problem}
        </p>
      )}
    </div>
  );
}

const FORMATS = [
  ['text', 'Text'],
  ['json_object', 'JSON'],
  ['json_schema', 'Schema'],
] as const;

function AnswerForm() {
  const { format, schema } = settings.value;
  const problem = problemWith('schema');
  return (
    <section>
      <h3 id="answer-form">The answer is</h3>
      <div class="segments" role="radiogroup" aria-labelledby="answer-form">
        {FORMATS.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name="format"
              value={value}
              checked={format === value}
              onChange={() => change({ format: value })}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      {format === 'json_schema' ? (
        <>
          <label class="label" for="schema">
            JSON schema
          </label>
          <textarea
            id="schema"
            class="field mono"
            rows={9}
            spellcheck={false}
            value={schema}
            aria-invalid={problem !== null}
            aria-describedby={problem === null ? undefined : 'schema-problem'}
            onInput={({ currentTarget: { value } }) => change({ schema: value })}
          />
        </>
      ) : null}
      {problem === null ? null : (
        <p id="schema-problem" class="problem">
          {problem}
        </p>
      )}
    </section>
  );
}

function Tools() {
  const { tools, toolChoice } = settings.value;
  return (
    <section>
      <h3>Tools</h3>
      {tools.length === 0 ? (
        <p class="hint">Functions that the model may call. You type in what they give.</p>
      ) : (
        <ul class="tools">
          {tools.map(({ name }, index) => (
            <li key={name}>
              <button
                type="button"
                class="tool"
                onClick={() => (dialog.value = { name: 'tool', index })}
              >
                <Icon name="tool" size={16} />
                <code>{name}</code>
              </button>
              <IconButton
                icon="trash"
                label={`Remove ${name}`}
                onClick={() => change({ tools: tools.filter((_, at) => at !== index) })}
              />
            </li>
          ))}
        </ul>
      )}
      <button
        class="button small"
        type="button"
        onClick={() => (dialog.value = { name: 'tool', index: null })}
      >
        <Icon name="plus" size={16} /> Add a function
      </button>
      {tools.length === 0 ? null : (
        <>
          <label class="label" for="tool-choice">
            Which it calls
          </label>
          <select
            id="tool-choice"
            class="field"
            value={toolChoice}
            onChange={({ currentTarget: { value } }) =>
              change({ toolChoice: value as Settings['toolChoice'] })
            }
          >
            <option value="auto">as it sees fit</option>
            <option value="required">at least one</option>
            <option value="none">none</option>
          </select>
        </>
      )}
    </section>
  );
}
