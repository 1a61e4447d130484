// The dialogs that are a question or a look at something: delete, shortcuts, a picture.
import { remove } from '../state/conversations.ts';
import type { ConversationSummary } from '../state/state.ts';
import { closeDialog, Dialog } from './dialog.tsx';

export function DeleteDialog({ conversation }: { conversation: ConversationSummary }) {
  return (
    <Dialog title="Delete this conversation?">
      <p>
        <strong>
          <bdi>{conversation.title ?? 'Without a title'}</bdi>
        </strong>{' '}
        goes with all of its branches and pictures. It cannot be brought back; an export can be
        taken in again.
      </p>
      <p class="dialog-actions">
        <button class="button" type="button" onClick={closeDialog}>
          Keep it
        </button>
        <button
          class="button danger"
          type="button"
          onClick={() => {
            closeDialog();
            void remove(conversation.id);
          }}
        >
          Delete
        </button>
      </p>
    </Dialog>
  );
}

const SHORTCUTS: readonly (readonly [readonly string[], string])[] = [
  [['Enter'], 'Send'],
  [['Shift', 'Enter'], 'Begin a line'],
  [['Esc'], 'Stop the answer, or close what is open'],
  [['Ctrl', 'K'], 'Search conversations'],
  [['Ctrl', 'Shift', 'O'], 'New conversation'],
  [['↑'], 'In an empty field: edit the last question'],
  [['Alt', '↑'], 'To the message before'],
  [['Alt', '↓'], 'To the next message'],
  [['←', '→'], 'On ‹ 2/3 ›: between the versions'],
  [['Ctrl', ','], 'Settings'],
  [['/'], 'To the field'],
  [['?'], 'These shortcuts'],
];

export function ShortcutsDialog() {
  const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
  return (
    <Dialog title="Keyboard shortcuts">
      <dl class="shortcuts">
        {SHORTCUTS.map(([keys, does]) => (
          <div key={does}>
            <dt>{does}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{isMac && key === 'Ctrl' ? '⌘' : key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

export function ImageDialog({ url }: { url: string }) {
  const type = /^data:image\/(\w+)/.exec(url)?.[1] ?? 'png';
  return (
    <Dialog title="Picture" class="image-dialog">
      <img src={url} alt="The picture, as large as it fits" />
      <p class="dialog-actions">
        <a class="button" href={url} download={`picture.${type}`}>
          Download
        </a>
      </p>
    </Dialog>
  );
}
