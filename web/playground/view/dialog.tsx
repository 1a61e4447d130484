// A dialog over the page: the browser keeps the focus in it, closes it with Escape and gives the focus back.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { dialog } from '../state/state.ts';
import { IconButton } from './icon.tsx';

interface DialogProps {
  readonly title: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function closeDialog(): void {
  dialog.value = null;
}

export function Dialog({ title, children, ...more }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${more.class ?? ''}`}
      aria-labelledby="dialog-title"
      onClose={closeDialog}
      onClick={(event) => {
        // The backdrop is the dialog itself, outside of its content.
        if (event.target === element.current) element.current?.close();
      }}
    >
      <div class="dialog-content">
        <header class="dialog-header">
          <h2 id="dialog-title">{title}</h2>
          <IconButton icon="close" label="Close" onClick={() => element.current?.close()} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
