// The fields of a body: name, type, limits, words; what lies deeper opens on demand.
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { fieldsBelow, limitsOf, resolved, typeOf, type Api, type Schema } from './api.ts';
import { Inline } from './markdown.tsx';

export function Fields({ api, schema }: { api: Api; schema: Schema }) {
  const { properties = {}, required = [] } = schema;
  return (
    <ul class="fields">
      {Object.entries(properties).map(([name, field]) => (
        <Field key={name} api={api} name={name} field={field} required={required.includes(name)} />
      ))}
    </ul>
  );
}

interface FieldProps {
  readonly api: Api;
  readonly name: string;
  readonly field: Schema;
  readonly required: boolean;
  /** Instead of the schema's own words. */
  readonly description?: string | undefined;
}

export function Field({ api, name, field, required, description }: FieldProps) {
  const whole = resolved(api, field);
  const words = description ?? whole.description;
  const values = whole.enum?.filter((value) => typeof value === 'string');
  return (
    <li>
      <p class="field-head">
        <code>{name}</code>
        <span class="type">{typeOf(field)}</span>
        {required ? <span class="required">required</span> : null}
        {limitsOf(whole).map((limit) => (
          <span key={limit} class="limit">
            {limit}
          </span>
        ))}
      </p>
      {words ? (
        <p>
          <Inline text={words} />
        </p>
      ) : null}
      {values && values.length <= 12 ? (
        <p class="values">
          {values.map((value) => (
            <code key={value}>{value}</code>
          ))}
        </p>
      ) : null}
      <Below api={api} schema={field} />
    </li>
  );
}

/** What a field holds that has fields of its own. */
export function Below({ api, schema }: { api: Api; schema: Schema }) {
  return (
    <>
      {fieldsBelow(api, schema).map(({ label, schema: inner }) => (
        <Disclosure key={label} label={label}>
          {() => <Fields api={api} schema={inner} />}
        </Disclosure>
      ))}
    </>
  );
}

interface DisclosureProps {
  readonly label: ComponentChildren;
  /** Made when it is opened. */
  readonly children: () => ComponentChildren;
}

export function Disclosure({ label, children }: DisclosureProps) {
  const [open, setOpen] = useState(false);
  return (
    <details class="below" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{typeof label === 'string' ? <Inline text={label} /> : label}</summary>
      {open ? children() : null}
    </details>
  );
}
