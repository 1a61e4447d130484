// Asks for the token, once for a tab, and tries it before it is kept.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TargetedSubmitEvent } from 'preact';
import { complaintAbout, keepToken } from './token.ts';

export interface SignInProps {
  /** What it is asked for: `Sign in to the playground`. */
  readonly title: string;
  /** Why it is asked for again, if it is. */
  readonly notice?: string | null;
  /** The token is tried and kept. */
  onSignedIn(token: string): void;
}

export function SignIn({ title, notice = null, onSignedIn }: SignInProps) {
  const field = useRef<HTMLInputElement>(null);
  const [complaint, setComplaint] = useState(notice);
  const [isBusy, setBusy] = useState(false);
  const [isShown, setShown] = useState(false);
  useEffect(() => field.current?.focus(), []);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token === '' || isBusy) return;
    setBusy(true);
    const found = await complaintAbout(token);
    setBusy(false);
    setComplaint(found);
    if (found !== null) {
      field.current?.select();
      return;
    }
    keepToken(token);
    onSignedIn(token);
  };

  return (
    <form class="sign-in card" onSubmit={(event) => void submit(event)}>
      <h1>{title}</h1>
      <p id="sign-in-about">
        The gateway’s token. It is kept in this tab until you close it or sign out, and sent to this
        host only.
      </p>
      <label class="label" for="token">
        Token
      </label>
      <div class="sign-in-token">
        <input
          ref={field}
          id="token"
          class="field"
          {...(isShown ? { type: 'text' as const } : { type: 'password' as const })}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          required
          aria-invalid={complaint !== null}
          aria-describedby={complaint === null ? 'sign-in-about' : 'sign-in-complaint'}
        />
        <button
          class="button"
          type="button"
          aria-pressed={isShown}
          onClick={() => setShown(!isShown)}
        >
          Show
        </button>
      </div>
      <p class="sign-in-complaint" id="sign-in-complaint" role="alert">
        {complaint}
      </p>
      <button class="button primary" type="submit" aria-disabled={isBusy}>
        {isBusy ? 'Asking the gateway …' : 'Sign in'}
      </button>
      <p class="sign-in-help">
        No token yet? <a href="/docs">The manual</a> says where the gateway keeps it.
      </p>
    </form>
  );
}
