// `/redoc`: the API document, laid out for reading. It is the running gateway's own, fetched from it.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { groupsOf, type Api } from './api.ts';
import { Markdown } from './markdown.tsx';
import { Contents } from './api-contents.tsx';
import { OperationView } from './operation.tsx';

const root = document.querySelector('#reader');
if (!root) throw new Error('the page has no place for the reader');
render(<Reader />, root);

function Reader() {
  const [api, setApi] = useState<Api | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    fetchedApi()
      .then(setApi)
      .catch((error: unknown) => setProblem(String(error)));
  }, []);
  useEffect(() => {
    if (api) document.querySelector(location.hash || 'body')?.scrollIntoView();
  }, [api]);
  if (api) return <Whole api={api} />;
  return (
    <main id="content" class="reader-wait">
      <p>
        {problem === null ? 'Reading the document …' : `The document could not be read: ${problem}`}
      </p>
    </main>
  );
}

async function fetchedApi(): Promise<Api> {
  const response = await fetch('/openapi.json');
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()) as Api;
}

function Whole({ api }: { api: Api }) {
  const groups = groupsOf(api);
  const { title, version, summary, description } = api.info;
  return (
    <div class="reader">
      <Contents groups={groups} introduction={description} />
      <main id="content" class="reader-text">
        <header class="intro">
          <h1>{title}</h1>
          <p class="lead">{summary}</p>
          <p class="intro-links">
            <span class="badge">version {version}</span>
            <a href="/openapi">Try it out</a>
            <a href="/openapi.json">openapi.json</a>
          </p>
          <Markdown text={description} />
        </header>
        {groups.map(({ name, description: words, placed }) => (
          <section key={name} class="group">
            <h2>{name}</h2>
            <Markdown text={words} />
            {placed.map((each) => (
              <OperationView key={each.operation.operationId} api={api} placed={each} />
            ))}
          </section>
        ))}
      </main>
    </div>
  );
}
