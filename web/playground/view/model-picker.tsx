// Which model answers: one card for each, with what it can do, how it is and who serves it.
import type { TargetedKeyboardEvent } from 'preact';
import { HEALTH_WORDS, healthOf, loadModels, modelInUse, type Model } from '../state/models.ts';
import { chosenModel, dialog, models, modelsFailure } from '../state/state.ts';
import { shownCount } from '../thread/numbers.ts';
import { closeDialog, Dialog } from './dialog.tsx';
import { ErrorNote } from './error-note.tsx';
import { Icon } from './icon.tsx';
import { useEffect } from 'preact/hooks';

export function ModelButton() {
  const model = modelInUse();
  return (
    <button
      class="button model-button"
      type="button"
      aria-haspopup="dialog"
      onClick={() => (dialog.value = { name: 'models' })}
    >
      {model ? <HealthDot model={model} /> : null}
      <span class="model-name">{model?.alias ?? 'Choose a model'}</span>
      <Icon name="down" size={14} />
    </button>
  );
}

export function ModelDialog() {
  // How they are changes: look again each time.
  useEffect(() => void loadModels(), []);
  return (
    <Dialog title="Models" class="models-dialog">
      {modelsFailure.value ? (
        <ErrorNote failure={modelsFailure.value} onRetry={() => void loadModels()} />
      ) : null}
      <div class="models" role="radiogroup" aria-label="Models" onKeyDown={onArrow}>
        {models.value.map((model) => (
          <ModelCard key={model.alias} model={model} />
        ))}
      </div>
    </Dialog>
  );
}

function ModelCard({ model }: { model: Model }) {
  const isChosen = model.alias === chosenModel.value;
  const { constraints, context_window: context, license } = model;
  const seconds = constraints.typical_response_seconds;
  return (
    <button
      class="model"
      type="button"
      role="radio"
      aria-checked={isChosen}
      tabIndex={isChosen ? 0 : -1}
      ref={(element) => {
        if (isChosen && element && document.activeElement?.getAttribute('role') !== 'radio')
          element.focus();
      }}
      onClick={() => {
        chosenModel.value = model.alias;
        closeDialog();
      }}
    >
      <span class="model-head">
        <HealthDot model={model} />
        <strong>{model.alias}</strong>
        {isChosen ? <Icon name="check" size={16} /> : null}
      </span>
      <span class="model-abilities">
        {abilitiesOf(model).map((ability) => (
          <span key={ability} class="badge">
            {ability}
          </span>
        ))}
      </span>
      <span class="model-facts">
        {context === null ? null : <span>{shownTokens(context)} tokens of context</span>}
        {seconds === null ? null : <span>usually {seconds} s</span>}
        {license === null ? null : <span>{license}</span>}
      </span>
      <span class="model-backends">
        {model.backends.map(({ upstream, model: name, local, healthy, latency_ms: latency }) => (
          <span key={`${upstream}/${name}`}>
            <span class={`dot ${healthy === null ? '' : healthy ? 'ok' : 'danger'}`} />
            <span class="backend-name">
              {upstream}: {name}
            </span>
            <span class="backend-state">
              {healthy === null
                ? 'not asked yet'
                : healthy
                  ? latency === null
                    ? 'up'
                    : `${latency.toFixed(0)} ms`
                  : 'down'}
              {local ? ', local' : ''}
            </span>
          </span>
        ))}
      </span>
    </button>
  );
}

function HealthDot({ model }: { model: Model }) {
  const health = healthOf(model);
  return (
    <>
      <span
        class={`dot ${health === 'unknown' ? '' : health}`}
        title={HEALTH_WORDS[health]}
        aria-hidden="true"
      />
      <span class="visually-hidden">{HEALTH_WORDS[health]}, </span>
    </>
  );
}

function abilitiesOf({ capabilities, modalities }: Model): string[] {
  const { tools, vision, reasoning, json_mode: json, image_generation: draws } = capabilities;
  return [
    ...(vision || modalities.input.includes('image') ? ['sees pictures'] : []),
    ...(draws ? ['draws'] : []),
    ...(tools ? ['tools'] : []),
    ...(json ? ['JSON'] : []),
    ...(reasoning === false ? [] : [reasoning === true ? 'thinks' : `thinking ${reasoning}`]),
  ];
}

function shownTokens(tokens: number): string {
  if (tokens >= 1_000_000)
    return `${(tokens / 1_000_000).toFixed(tokens % 1_000_000 === 0 ? 0 : 1)}M`;
  return tokens >= 1024 && tokens % 1024 === 0 ? `${tokens / 1024}K` : shownCount(tokens);
}

function onArrow(event: TargetedKeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const cards = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=radio]')];
  const at = cards.findIndex((card) => card === document.activeElement);
  cards[(at + step + cards.length) % cards.length]?.focus();
}
