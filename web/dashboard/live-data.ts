// The figures, asked for again every few seconds while somebody looks: what is shown, what went wrong, since when.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DashboardData } from '../../src/http/site/dashboard-shapes.ts';

const EVERY_MS = 5_000;

export interface Asked {
  readonly token: string;
  readonly model: string;
  readonly upstream: string;
  readonly minutes: 15 | 60;
}

export interface LiveData {
  /** The last figures that came; null until the first have. */
  readonly data: DashboardData | null;
  /** Why there are no newer ones. */
  readonly problem: string | null;
}

/** `onRefused`: the gateway does not take the token any more. */
export function useLiveData(asked: Asked, isPaused: boolean, onRefused: () => void): LiveData {
  const [live, setLive] = useState<LiveData>({ data: null, problem: null });
  const refused = useRef(onRefused);
  refused.current = onRefused;
  const { token, model, upstream, minutes } = asked;

  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.hidden) return;
      const result = await ask({ token, model, upstream, minutes }, leaving.signal);
      if (leaving.signal.aborted) return;
      if (result === 'refused') refused.current();
      else setLive((before) => ({ data: before.data, problem: null, ...result }));
      if (!isPaused) timer = setTimeout(() => void refresh(), EVERY_MS);
    };
    const onShown = () => void (isPaused || refresh());
    document.addEventListener('visibilitychange', onShown);
    void refresh();
    return () => {
      leaving.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onShown);
    };
  }, [token, model, upstream, minutes, isPaused]);
  return live;
}

async function ask(
  { token, model, upstream, minutes }: Asked,
  signal: AbortSignal,
): Promise<Partial<LiveData> | 'refused'> {
  const query = new URLSearchParams({
    minutes: String(minutes),
    step: minutes === 60 ? '60' : '10',
    ...(model !== '' && { model }),
    ...(upstream !== '' && { upstream }),
  });
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`/dashboard/data?${query}`, { headers, signal });
    if (response.status === 401) return 'refused';
    if (response.status === 429) return { problem: 'This token makes too many requests just now.' };
    if (!response.ok) return { problem: `The gateway answers with an error (${response.status}).` };
    return { data: (await response.json()) as DashboardData };
  } catch {
    // Told on the page; the next look follows in a few seconds.
    return { problem: 'The gateway does not answer.' };
  }
}
