// The token of who uses the page: kept for the life of the tab, in its sessionStorage and nowhere else.
const KEY = 'gateway-token';

/** The token that was typed in, or null. */
export function keptToken(): string | null {
  return sessionStorage.getItem(KEY);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}

/** Asks the gateway whether it takes the token: null when it does, else what to tell whoever typed it. */
export async function complaintAbout(token: string): Promise<string | null> {
  if (!/^[\u0021-\u007e]+$/.test(token))
    return 'A token has no spaces and no letters beyond ASCII. Copy it again, whole.';
  try {
    const response = await fetch('/v1/models', { headers: { authorization: `Bearer ${token}` } });
    if (response.ok) return null;
    if (response.status === 401)
      return 'The gateway does not know this token. Copy it again from where it was started: the banner shows it, or says which file holds it.';
    const { error } = (await response.json()) as { error: { message: string } };
    return error.message;
  } catch {
    return 'The gateway does not answer. Look whether it runs, then try again.';
  }
}
