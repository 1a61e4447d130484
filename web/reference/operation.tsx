// One operation: what it does, what it takes, what it answers, with examples beside it.
import { Fragment } from 'preact';
import {
  limitsOf,
  resolved,
  typeOf,
  type Api,
  type Content,
  type Placed,
  type Reply,
} from './api.ts';
import { Inline, Markdown } from './markdown.tsx';
import { ReplySamples, RequestSamples } from './samples.tsx';
import { Below, Disclosure, Field, Fields } from './schema.tsx';

export function OperationView({ api, placed }: { api: Api; placed: Placed }) {
  const { operation, method, path } = placed;
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  return (
    <article id={operationId} class="operation" aria-labelledby={`${operationId}-title`}>
      <div class="words">
        <h3 id={`${operationId}-title`}>
          <a href={`#${operationId}`}>{summary}</a>
        </h3>
        <p class="route">
          <span class={`method ${method.toLowerCase()}`}>{method}</span>
          <code>{path}</code>
          <span class="badge">{accessOf(placed)}</span>
        </p>
        <Markdown text={description} />
        {parameters.length > 0 ? (
          <section>
            <h4>Parameters</h4>
            <ul class="fields">
              {parameters.map((parameter) => {
                const { name, in: place, schema, required = false, description: words } = parameter;
                const label = place === 'header' ? `${name} (header)` : name;
                return (
                  <Field
                    key={name}
                    api={api}
                    name={label}
                    field={schema}
                    required={required}
                    description={words}
                  />
                );
              })}
            </ul>
          </section>
        ) : null}
        {requestBody ? (
          <section>
            <h4>Body</h4>
            <Bodies api={api} content={requestBody.content} />
          </section>
        ) : null}
        <section>
          <h4>Replies</h4>
          {Object.entries(responses).map(([status, reply]) => (
            <ReplyView key={status} api={api} status={status} reply={reply} />
          ))}
        </section>
      </div>
      <aside class="beside" aria-label={`Examples: ${summary}`}>
        <RequestSamples api={api} placed={placed} />
        <ReplySamples api={api} placed={placed} />
      </aside>
    </article>
  );
}

function accessOf({ operation: { security } }: Placed): string {
  if (security === undefined) return 'needs the token';
  return security.length === 0 ? 'public' : 'token from elsewhere';
}

function Bodies({ api, content }: { api: Api; content: Readonly<Record<string, Content>> }) {
  return (
    <>
      {Object.entries(content).map(([mediaType, { schema }]) => {
        const whole = resolved(api, schema);
        return (
          <Fragment key={mediaType}>
            <p class="media">
              <code>{mediaType}</code> <span class="type">{typeOf(schema)}</span>
            </p>
            {whole.description ? (
              <p>
                <Inline text={whole.description} />
              </p>
            ) : null}
            {whole.properties ? (
              <Fields api={api} schema={whole} />
            ) : (
              <Below api={api} schema={schema} />
            )}
          </Fragment>
        );
      })}
    </>
  );
}

function ReplyView({ api, status, reply }: { api: Api; status: string; reply: Reply }) {
  const { description, headers = {}, content } = reply;
  const good = /^[23]/.test(status);
  return (
    <div class="reply">
      <span class={`status-code ${good ? 'good' : 'bad'}`}>{status}</span>
      <div>
        <Markdown text={description} />
        {content && good
          ? Object.entries(content).map(([mediaType, { schema }]) => (
              <Disclosure
                key={mediaType}
                label={
                  <>
                    <code>{mediaType}</code> {typeOf(schema)}
                  </>
                }
              >
                {() => <Bodies api={api} content={{ [mediaType]: { schema } }} />}
              </Disclosure>
            ))
          : null}
        {Object.keys(headers).length > 0 ? (
          <Disclosure label={`${Object.keys(headers).length} headers`}>
            {() => (
              <ul class="fields">
                {Object.entries(headers).map(([name, header]) => {
                  const { description: words = '', required, schema = {} } = resolved(api, header);
                  return (
                    <li key={name}>
                      <p class="field-head">
                        <code>{name}</code>
                        <span class="type">{typeOf(schema)}</span>
                        {required ? null : <span class="limit">where it applies</span>}
                        {limitsOf(schema).map((limit) => (
                          <span key={limit} class="limit">
                            {limit}
                          </span>
                        ))}
                      </p>
                      <p>
                        <Inline text={words} />
                      </p>
                    </li>
                  );
                })}
              </ul>
            )}
          </Disclosure>
        ) : null}
      </div>
    </div>
  );
}
