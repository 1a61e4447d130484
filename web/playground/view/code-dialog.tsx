// The request that would be sent now, as code to take along.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { showCode } from '../markdown/show-code.ts';
import { rememberedBody, statelessBody } from '../request/body.ts';
import { problemsIn } from '../request/settings.ts';
import { shortened, snippet, type Language } from '../request/snippets.ts';
import { attached, chosenModel, draft, settings, thread } from '../state/state.ts';
import { placeOfNext } from '../state/compose.ts';
import { pathTo } from '../thread/tree.ts';
import { textOf } from '../thread/message.ts';
import { CopyButton } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';

const LANGUAGES: readonly (readonly [Language, string, string])[] = [
  ['curl', 'curl', 'bash'],
  ['python', 'Python', 'python'],
  ['typescript', 'TypeScript', 'typescript'],
];

export function CodeDialog() {
  const [language, setLanguage] = useState<Language>('curl');
  const [problem] = problemsIn(settings.value);
  return (
    <Dialog title="This request as code" class="code-dialog">
      <fieldset class="segments">
        <legend class="visually-hidden">Language</legend>
        {LANGUAGES.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name="language"
              value={value}
              checked={language === value}
              onChange={() => setLanguage(value)}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      {problem ? <p class="problem">{problem.message}</p> : <Snippet language={language} />}
      <p class="hint">
        The token comes from the environment: <code>export BEARER=…</code>
        {draft.value.trim() === ''
          ? ' Nothing is written yet, so the last question stands in it.'
          : ''}
      </p>
    </Dialog>
  );
}

function Snippet({ language }: { language: Language }) {
  const code = useRef<HTMLElement>(null);
  const { mode } = thread.value;
  const request = { api: mode, origin: location.origin, body: bodyNow() };
  const shown = snippet(language, { ...request, body: shortened(request.body) });
  const grammar = LANGUAGES.find(([name]) => name === language)?.[2] ?? '';
  useLayoutEffect(() => {
    if (code.current) void showCode(code.current, shown, grammar);
  }, [shown, grammar]);
  return (
    <figure class="code">
      <figcaption>
        <span>{mode === 'c1' ? 'POST /c1/chat' : 'POST /v1/chat/completions'}</span>
        <CopyButton label="Copy the code" text="Copy" copy={() => snippet(language, request)} />
      </figcaption>
      <pre tabIndex={0} dir="ltr">
        <code ref={code} data-testid="snippet" />
      </pre>
    </figure>
  );
}

/** As the button beside the field would send it. */
function bodyNow(): object {
  const { id, mode, head, hasTools, tree } = thread.value;
  const parent = placeOfNext();
  const path = pathTo(tree, parent);
  const last = path.findLast(({ role }) => role === 'user');
  const typed = draft.value.trim();
  const ask = {
    model: chosenModel.value,
    settings: settings.value,
    text: typed !== '' ? typed : last ? textOf(last) : 'Hello!',
    images: attached.value.map(({ url }) => url),
    toolResults: [],
  };
  if (mode === 'c1') {
    const place = parent === head ? {} : { parent };
    return rememberedBody({ ...ask, conversationId: id, hasTools, ...place });
  }
  const history = typed === '' && last ? path.slice(0, path.indexOf(last)) : path;
  return statelessBody(ask, history);
}
