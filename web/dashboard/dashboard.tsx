// The dashboard: asks for the token once, then shows the last hour and goes on showing it.
import { render } from 'preact';
import { useState } from 'preact/hooks';
import type { DashboardData } from '../../src/http/site/dashboard-shapes.ts';
import { SignIn } from '../shell/sign-in.tsx';
import { forgetToken, keptToken } from '../shell/token.ts';
import { Breakdown } from './breakdown.tsx';
import { Engines } from './engines.tsx';
import { timeOf, uptime } from './format.ts';
import { useLiveData, type Asked } from './live-data.ts';
import { Plots } from './plots.tsx';
import { Tiles } from './tiles.tsx';

function Dashboard() {
  const [token, setToken] = useState(keptToken());
  const [notice, setNotice] = useState<string | null>(null);
  const signOut = (why: string | null): void => {
    forgetToken();
    setNotice(why);
    setToken(null);
  };
  if (token === null) {
    return (
      <main id="content">
        <SignIn title="Sign in to the dashboard" notice={notice} onSignedIn={setToken} />
      </main>
    );
  }
  const refused = 'The gateway does not take this token any more. Enter the one that it takes now.';
  return <Board token={token} onRefused={() => signOut(refused)} onSignOut={() => signOut(null)} />;
}

interface BoardProps {
  readonly token: string;
  onRefused(): void;
  onSignOut(): void;
}

function Board({ token, onRefused, onSignOut }: BoardProps) {
  const [filter, setFilter] = useState<Omit<Asked, 'token'>>({
    model: '',
    upstream: '',
    minutes: 60,
  });
  const [isPaused, setPaused] = useState(false);
  const { data, problem } = useLiveData({ token, ...filter }, isPaused, onRefused);
  const change = (part: Partial<typeof filter>) => setFilter({ ...filter, ...part });
  return (
    <main id="content" class="dash" aria-busy={data === null}>
      <div class="dash-head">
        <div>
          <h1>Dashboard</h1>
          <Status data={data} problem={problem} isPaused={isPaused} />
        </div>
        <Controls data={data} filter={filter} onChange={change} />
        <div class="dash-actions">
          <button
            type="button"
            class="button"
            aria-pressed={isPaused}
            onClick={() => setPaused(!isPaused)}
          >
            {isPaused ? 'Go on' : 'Pause'}
          </button>
          <button type="button" class="button quiet" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </div>
      {problem === null ? null : (
        <p class="dash-problem" role="alert">
          {problem} {data ? `Shown is what was known at ${timeOf(data.now, true)}.` : ''} Trying
          again.
        </p>
      )}
      {data === null ? (
        <Skeleton />
      ) : (
        <div class={problem === null ? 'dash-body' : 'dash-body stale'}>
          {data.total.requests === 0 ? <Hint filter={filter} /> : null}
          <Tiles data={data} />
          <Plots data={data} />
          <Breakdown
            data={data}
            {...filter}
            onModel={(model) => change({ model })}
            onUpstream={(upstream) => change({ upstream })}
          />
          <Engines data={data} />
        </div>
      )}
    </main>
  );
}

function Status({
  data,
  problem,
  isPaused,
}: {
  data: DashboardData | null;
  problem: string | null;
  isPaused: boolean;
}) {
  if (!data) return <p class="dash-status">Asking the gateway …</p>;
  const { state } = data;
  const isDown =
    state.upstreams.length > 0 && state.upstreams.every(({ healthy }) => healthy === false);
  const [tone, word] =
    problem !== null
      ? ['warn', 'No answer']
      : state.draining
        ? ['warn', 'Stopping']
        : !state.store.ok
          ? ['danger', 'The store is down']
          : isDown
            ? ['danger', 'No model answers']
            : ['ok', state.demo ? 'Ready, with the demo engine' : 'Ready'];
  return (
    <p class="dash-status">
      <span class={`dot ${tone}`} /> <strong>{word}</strong>
      <span>version {state.version}</span>
      <span>up {uptime(state.uptime_seconds)}</span>
      <span>
        {isPaused ? 'paused at' : problem === null ? 'live,' : 'last heard at'}{' '}
        <time>{timeOf(data.now, true)}</time>
      </span>
    </p>
  );
}

type Filter = Omit<Asked, 'token'>;

function Controls({
  data,
  filter,
  onChange,
}: {
  data: DashboardData | null;
  filter: Filter;
  onChange: (part: Partial<Filter>) => void;
}) {
  return (
    <form
      class="dash-controls"
      aria-label="What is shown"
      onSubmit={(event) => event.preventDefault()}
    >
      <Choice
        label="Model"
        all="All models"
        names={data?.models ?? []}
        value={filter.model}
        onChange={(model) => onChange({ model })}
      />
      <Choice
        label="Upstream"
        all="All upstreams"
        names={data?.upstreams ?? []}
        value={filter.upstream}
        onChange={(upstream) => onChange({ upstream })}
      />
      <div class="segments" role="group" aria-label="Time">
        {([15, 60] as const).map((minutes) => (
          <button
            key={minutes}
            type="button"
            aria-pressed={filter.minutes === minutes}
            onClick={() => onChange({ minutes })}
          >
            {minutes === 60 ? '1 hour' : '15 min'}
          </button>
        ))}
      </div>
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly all: string;
  readonly names: readonly string[];
  readonly value: string;
  onChange(name: string): void;
}

function Choice({ label, all, names, value, onChange }: ChoiceProps) {
  return (
    <select
      class="field"
      aria-label={label}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      <option value="">{all}</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Hint({ filter }: { filter: Filter }) {
  const isFiltered = filter.model !== '' || filter.upstream !== '';
  return (
    <p class="dash-hint card">
      {isFiltered ? (
        'Nothing was asked of this choice in this time.'
      ) : (
        <>
          Nobody has asked anything in this time. Send a request from the{' '}
          <a href="/playground">playground</a>, and it shows up here within seconds.
        </>
      )}
    </p>
  );
}

function Skeleton() {
  return (
    <div class="dash-body" aria-hidden="true">
      <div class="tiles">
        {Array.from({ length: 6 }, (_, at) => (
          <div key={at} class="card tile skeleton" />
        ))}
      </div>
      <div class="plots">
        {Array.from({ length: 4 }, (_, at) => (
          <div key={at} class="card plot skeleton" />
        ))}
      </div>
    </div>
  );
}

const root = document.querySelector('#dashboard');
if (!root) throw new Error('no #dashboard on this page');
root.replaceChildren();
render(<Dashboard />, root);
