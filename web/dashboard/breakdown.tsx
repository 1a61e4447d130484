// The same figures by model and by upstream.
import type { DashboardData } from '../../src/http/site/dashboard-shapes.ts';
import { brief, count, duration, NOTHING, percent, rate } from './format.ts';

export interface BreakdownProps {
  readonly data: DashboardData;
  readonly model: string;
  readonly upstream: string;
  onModel(name: string): void;
  onUpstream(name: string): void;
}

export function Breakdown({ data, model, upstream, onModel, onUpstream }: BreakdownProps) {
  return (
    <div class="breakdown">
      <SummaryTable
        title="By model"
        nobody="no model"
        rows={data.by_model.map((row) => ({ ...row, name: row.model }))}
        chosen={model}
        onChoose={onModel}
      />
      <SummaryTable
        title="By upstream"
        nobody="no upstream"
        rows={data.by_upstream.map((row) => ({ ...row, name: row.upstream }))}
        chosen={upstream}
        onChoose={onUpstream}
      />
    </div>
  );
}

type Row = DashboardData['total'] & { readonly name: string };

interface SummaryTableProps {
  readonly title: string;
  /** What requests are called that got to none. */
  readonly nobody: string;
  readonly rows: readonly Row[];
  readonly chosen: string;
  onChoose(name: string): void;
}

function SummaryTable({ title, nobody, rows, chosen, onChoose }: SummaryTableProps) {
  const shown = rows
    .filter(({ requests, prompt_tokens }) => requests > 0 || prompt_tokens > 0)
    .toSorted((a, b) => b.requests - a.requests);
  const most = Math.max(1, ...shown.map(({ requests }) => requests));
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {shown.length === 0 ? (
        <p class="plot-hint">No requests in this time.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, a table`}>
          <table class="figures">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Requests</th>
                <th scope="col">Errors</th>
                <th scope="col">
                  <abbr title="Time to the first token: median and 95%">First token</abbr>
                </th>
                <th scope="col">
                  <abbr title="Tokens per second after the first">Tokens/s</abbr>
                </th>
                <th scope="col">Reuse</th>
                <th scope="col">
                  <abbr title="Tokens of prompts and of answers">Tokens in/out</abbr>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.name} aria-current={row.name !== '' && row.name === chosen}>
                  <th scope="row">
                    <Name name={row.name} nobody={nobody} chosen={chosen} onChoose={onChoose} />
                    <progress max={most} value={row.requests} aria-hidden="true" />
                  </th>
                  <td>{count(row.requests)}</td>
                  <td class={row.failures > 0 ? 'bad' : ''}>
                    {row.requests === 0 ? NOTHING : percent(row.failures / row.requests)}
                  </td>
                  <td>
                    {duration(row.ttft_p50_ms)}
                    <small> / {duration(row.ttft_p95_ms)}</small>
                  </td>
                  <td>{rate(row.tokens_per_second)}</td>
                  <td>{percent(row.reuse)}</td>
                  <td>
                    {brief(row.prompt_tokens)}
                    <small> / {brief(row.completion_tokens)}</small>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Name({
  name,
  nobody,
  chosen,
  onChoose,
}: Pick<SummaryTableProps, 'nobody' | 'chosen' | 'onChoose'> & { name: string }) {
  if (name === '') return <span class="nobody">{nobody}</span>;
  const isChosen = name === chosen;
  return (
    <button
      type="button"
      class="link"
      aria-pressed={isChosen}
      title={isChosen ? 'Show all again' : 'Show this one alone'}
      onClick={() => onChoose(isChosen ? '' : name)}
    >
      {name}
    </button>
  );
}
