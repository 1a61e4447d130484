// The examples of a request or of its replies: one at a time, chosen from a list.
import { useState } from 'preact/hooks';
import { resolved, type Api, type Content, type Placed, type Reply } from './api.ts';
import { Code } from './code.tsx';

interface Sample {
  readonly name: string;
  readonly label: string;
  readonly text: string;
}

export function RequestSamples({ api, placed }: { api: Api; placed: Placed }) {
  const { operation, method, path } = placed;
  const samples = samplesIn(api, operation.requestBody?.content ?? {}, '');
  const shown =
    samples.length > 0
      ? samples.map((sample) => ({ ...sample, label: `${method} ${path}` }))
      : [{ name: 'Request', label: 'Request', text: `${method} ${path}` }];
  return <Samples title="Request" samples={shown} />;
}

export function ReplySamples({ api, placed }: { api: Api; placed: Placed }) {
  const samples = Object.entries(placed.operation.responses).flatMap(
    ([status, reply]: [string, Reply]) => samplesIn(api, reply.content ?? {}, `${status} · `),
  );
  return samples.length === 0 ? null : <Samples title="Reply" samples={samples} />;
}

function samplesIn(api: Api, content: Readonly<Record<string, Content>>, before: string): Sample[] {
  return Object.entries(content).flatMap(([mediaType, { examples = {} }]) =>
    Object.values(examples).map((example) => {
      const { summary = '', value } = resolved(api, example);
      const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, null, 2);
      return { name: `${before}${summary}`, label: mediaType, text };
    }),
  );
}

function Samples({ title, samples }: { title: string; samples: readonly Sample[] }) {
  const [at, setAt] = useState(0);
  const sample = samples[at] ?? samples[0];
  if (!sample) return null;
  return (
    <div class="samples">
      {samples.length > 1 ? (
        <select
          class="field"
          aria-label={`Example of a ${title.toLowerCase()}`}
          onChange={(event) => setAt(event.currentTarget.selectedIndex)}
        >
          {samples.map(({ name }, index) => (
            <option key={index}>{name}</option>
          ))}
        </select>
      ) : null}
      <Code text={sample.text} label={samples.length > 1 ? sample.label : sample.name} />
    </div>
  );
}
