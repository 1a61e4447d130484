// An error as the gateway means it: what happened, what to do about it, and what to tell the operator.
import { useEffect } from 'preact/hooks';
import type { Failure } from '../state/ask-gateway.ts';
import { errorWords, loadErrorWords } from '../state/errors.ts';
import { Icon } from './icon.tsx';

interface ErrorNoteProps {
  readonly failure: Failure;
  readonly onRetry?: () => void;
  /** Takes what was asked back into the field. */
  readonly onEdit?: () => void;
}

export function ErrorNote({ failure, onRetry, onEdit }: ErrorNoteProps) {
  useEffect(() => void loadErrorWords(), []);
  const { code, message, param, requestId, retryable } = failure;
  const words = errorWords.value.get(code);
  const isCalm = code === 'turn_cancelled';
  const said = message === '' ? (words?.description ?? '') : message;
  return (
    <section class={`error-note ${isCalm ? 'calm' : ''}`} aria-label="Error">
      <h3>
        <Icon name={isCalm ? 'stop' : 'warn'} size={16} />
        {isCalm ? 'Stopped before the first word' : (words?.title ?? 'It did not work')}
      </h3>
      {isCalm ? null : <p>{said}</p>}
      {isCalm || words === undefined || said.includes(words.remediation) ? null : (
        <p class="error-remedy">{words.remediation}</p>
      )}
      <p class="error-actions">
        {onRetry && (retryable || isCalm) ? (
          <button class="button small" type="button" onClick={onRetry}>
            Try again
          </button>
        ) : null}
        {onEdit ? (
          <button class="button small" type="button" onClick={onEdit}>
            Change the message
          </button>
        ) : null}
        {isCalm ? null : (
          <span class="error-facts">
            <a href={`/docs/errors#${code}`} target="_blank" rel="noopener">
              <code>{code}</code>
            </a>
            {param === null ? null : (
              <span>
                field <code>{param}</code>
              </span>
            )}
            {requestId === null ? null : (
              <span>
                request <code>{requestId}</code>
              </span>
            )}
          </span>
        )}
      </p>
    </section>
  );
}
