// The whole playground: the sign-in, or conversations, thread and settings side by side.
import { useEffect, useState } from 'preact/hooks';
import { SignIn } from '../../shell/sign-in.tsx';
import { attach, focusComposer } from '../state/compose.ts';
import { showAddressed, signIn } from '../state/session.ts';
import {
  announcement,
  dialog,
  drawer,
  notice,
  signInNotice,
  thread,
  token,
  type Mode,
} from '../state/state.ts';
import { switchMode } from '../state/thread.ts';
import { CodeDialog } from './code-dialog.tsx';
import { Composer } from './composer.tsx';
import { Icon, IconButton } from './icon.tsx';
import { coveringDrawer, useDrawerFocus } from './drawers.ts';
import { onKey, toggleSettings } from './keys.ts';
import { ModelButton, ModelDialog } from './model-picker.tsx';
import { SettingsPanel } from './settings-panel.tsx';
import { closeDrawer, Sidebar } from './sidebar.tsx';
import { DeleteDialog, ImageDialog, ShortcutsDialog } from './small-dialogs.tsx';
import { ThreadView } from './thread-view.tsx';
import { ToolDialog } from './tool-dialog.tsx';

export function App() {
  if (token.value === null) {
    return (
      <main id="content">
        <SignIn
          key={signInNotice.value}
          title="Sign in to the playground"
          notice={signInNotice.value}
          onSignedIn={(typed) => void signIn(typed)}
        />
      </main>
    );
  }
  return <Playground />;
}

function Playground() {
  useDrawerFocus();
  useEffect(() => {
    // With a thumb, the keyboard would cover half of the page.
    if (!matchMedia('(pointer: coarse)').matches) focusComposer();
    const onAddress = (): void => void showAddressed();
    addEventListener('keydown', onKey);
    addEventListener('popstate', onAddress);
    return () => {
      removeEventListener('keydown', onKey);
      removeEventListener('popstate', onAddress);
    };
  }, []);
  return (
    <div class="app" data-drawer={drawer.value}>
      <Sidebar />
      <Main />
      <SettingsPanel />
      <button class="scrim" type="button" tabIndex={-1} aria-label="Close" onClick={closeDrawer} />
      <OpenDialog />
      <Notice />
      <p class="visually-hidden" role="status">
        {announcement.value}
      </p>
    </div>
  );
}

function Main() {
  const [isOver, setOver] = useState(false);
  return (
    <main
      id="content"
      class={`main ${isOver ? 'drop' : ''}`}
      inert={coveringDrawer() !== null}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void attach([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <Bar />
      <ThreadView />
      <Composer />
      {isOver ? <p class="drop-hint">Drop pictures to add them</p> : null}
    </main>
  );
}

const MODES: readonly (readonly [Mode, string, string])[] = [
  ['c1', 'Memory', 'Through /c1: the gateway keeps the conversation'],
  ['v1', 'Raw', 'Through /v1: stateless, the page sends the whole history'],
];

function Bar() {
  return (
    <header class="bar">
      <IconButton
        class="drawer-open"
        icon="menu"
        label="Conversations"
        onClick={() => (drawer.value = 'conversations')}
      />
      <ModelButton />
      <fieldset class="segments">
        <legend class="visually-hidden">API</legend>
        {MODES.map(([mode, label, title]) => (
          <label key={mode} title={title}>
            <input
              type="radio"
              name="mode"
              value={mode}
              checked={thread.value.mode === mode}
              onChange={() => switchMode(mode)}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <span class="bar-space" />
      <button
        class="button quiet"
        type="button"
        aria-haspopup="dialog"
        aria-label="This request as code"
        title="This request as code"
        onClick={() => (dialog.value = { name: 'code' })}
      >
        <Icon name="code" /> <span class="bar-word">Code</span>
      </button>
      <button
        class="button quiet"
        type="button"
        aria-expanded={drawer.value === 'settings'}
        aria-controls="settings"
        aria-label="Settings"
        title="Settings"
        onClick={toggleSettings}
      >
        <Icon name="sliders" /> <span class="bar-word">Settings</span>
      </button>
    </header>
  );
}

function OpenDialog() {
  const open = dialog.value;
  if (open === null) return null;
  if (open.name === 'delete') return <DeleteDialog conversation={open.conversation} />;
  if (open.name === 'image') return <ImageDialog url={open.url} />;
  if (open.name === 'tool') return <ToolDialog index={open.index} />;
  if (open.name === 'models') return <ModelDialog />;
  return open.name === 'code' ? <CodeDialog /> : <ShortcutsDialog />;
}

function Notice() {
  return (
    <div class="notices" role="alert">
      {notice.value === null ? null : (
        <p class="notice">
          {notice.value}
          <IconButton icon="close" label="Close the notice" onClick={() => (notice.value = null)} />
        </p>
      )}
    </div>
  );
}
