// Where the next message is written: text, pictures, and what stops an answer.
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { TargetedKeyboardEvent } from 'preact';
import {
  attach,
  cancelEdit,
  detach,
  edit,
  isAnswering,
  openCalls,
  shownBytes,
  submit,
} from '../state/compose.ts';
import { modelInUse } from '../state/models.ts';
import { attached, draft, editing, settings, thread } from '../state/state.ts';
import { shownPath } from '../state/thread.ts';
import { stop } from '../state/turns.ts';
import { Icon, IconButton } from './icon.tsx';
import { ToolResults } from './tool-results.tsx';

/** With a thumb, Enter is for a new line: the button sends. */
const touches = matchMedia('(pointer: coarse)');

export function Composer() {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [draft.value]);

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>): void => {
    const { key, shiftKey, isComposing } = event;
    if (key === 'Enter' && !shiftKey && !isComposing && !touches.matches) {
      event.preventDefault();
      submit();
    } else if (key === 'ArrowUp' && draft.value === '' && !isAnswering()) {
      const last = shownPath(thread.value).findLast(({ role }) => role === 'user');
      if (!last) return;
      event.preventDefault();
      edit(last);
    } else if (key === 'Escape' && editing.value !== null && !isAnswering()) cancelEdit();
  };
  const hasCalls = openCalls().length > 0 && !isAnswering();
  return (
    <div class="composer-frame">
      {hasCalls ? <ToolResults /> : null}
      <form
        class="composer"
        aria-label="Message"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {editing.value === null ? null : (
          <p class="editing">
            <Icon name="pencil" size={14} />
            Editing an earlier message: the answer to it becomes a branch beside the old one.
            <button class="button quiet small" type="button" onClick={cancelEdit}>
              Cancel
            </button>
          </p>
        )}
        <Attachments />
        <textarea
          ref={field}
          id="composer"
          rows={1}
          aria-label="Your message"
          placeholder={modelInUse() ? `Message ${modelInUse()?.alias}` : 'Message'}
          value={draft.value}
          dir="auto"
          onInput={(event) => (draft.value = event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0) return;
            event.preventDefault();
            void attach(files);
          }}
        />
        <Buttons />
      </form>
    </div>
  );
}

function Buttons() {
  const picker = useRef<HTMLInputElement>(null);
  const isEmpty = draft.value.trim() === '' && attached.value.length === 0;
  return (
    <div class="composer-buttons">
      <input
        ref={picker}
        class="visually-hidden"
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        aria-label="Pictures"
        onChange={({ currentTarget }) => {
          void attach([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      <IconButton icon="image" label="Add pictures" onClick={() => picker.current?.click()} />
      <Hint />
      {isAnswering() ? (
        <button
          class="button primary icon stop"
          type="button"
          aria-label="Stop"
          title="Stop (Esc)"
          onClick={() => void stop()}
        >
          <Icon name="stop" />
        </button>
      ) : (
        <button
          class="button primary icon send"
          type="submit"
          aria-label="Send"
          title="Send (Enter)"
          disabled={isEmpty}
        >
          <Icon name="send" />
        </button>
      )}
    </div>
  );
}

function Hint() {
  const model = modelInUse();
  const lacks =
    model === null
      ? null
      : attached.value.length > 0 && !model.capabilities.vision
        ? 'pictures'
        : settings.value.tools.length > 0 && !model.capabilities.tools
          ? 'tools'
          : null;
  return (
    <span class="composer-hint">
      {lacks !== null && model !== null ? (
        <span class="badge warn">
          {model.alias} takes no {lacks}
        </span>
      ) : (
        <span class="keys" aria-hidden="true">
          <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> begins a line
        </span>
      )}
    </span>
  );
}

function Attachments() {
  if (attached.value.length === 0) return null;
  return (
    <ul class="attachments" aria-label="Pictures to send">
      {attached.value.map(({ name, url, bytes }, at) => (
        <li key={`${at}-${name}`}>
          <img src={url} alt="" />
          <span class="attachment-name">{name}</span>
          <span class="attachment-size">{shownBytes(bytes)}</span>
          <IconButton icon="close" label={`Remove ${name}`} onClick={() => detach(at)} />
        </li>
      ))}
    </ul>
  );
}
