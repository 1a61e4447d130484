// Copies a text, and says for a moment that it did.
import { useEffect, useState } from 'preact/hooks';
import { announcement, notice } from '../state/state.ts';
import { Icon } from './icon.tsx';

const SAID_MS = 1_600;

interface CopyButtonProps {
  /** `Copy the answer`. */
  readonly label: string;
  /** Shown beside the icon. */
  readonly text?: string;
  readonly copy: () => string;
}

export function CopyButton({ label, text, copy }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const onClick = async (): Promise<void> => {
    try {
      await copyText(copy());
      setCopied(true);
      announcement.value = 'Copied.';
    } catch {
      notice.value = 'The browser did not let the page copy. Select the text and copy it.';
    }
  };
  return (
    <button
      class={`button quiet ${text === undefined ? 'icon' : 'small'}`}
      type="button"
      aria-label={label}
      title={label}
      onClick={() => void onClick()}
    >
      <Icon name={isCopied ? 'check' : 'copy'} size={16} />
      {text === undefined ? null : <span>{isCopied ? 'Copied' : text}</span>}
    </button>
  );
}

/** `navigator.clipboard` is missing in pages that came over plain HTTP from another machine. */
async function copyText(text: string): Promise<void> {
  if ('clipboard' in navigator && window.isSecureContext)
    return await navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  const modal = document.querySelector('dialog[open]') ?? document.body;
  modal.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (!isCopied) throw new Error('not copied');
}
