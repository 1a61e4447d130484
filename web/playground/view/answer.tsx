// An answer: on its way, or as it was kept. One element for both, so that nothing is drawn anew when it is complete.
import { answerAgain, isAnswering } from '../state/compose.ts';
import type { Live } from '../state/live.ts';
import { dialog } from '../state/state.ts';
import {
  imagesOf,
  reasoningOf,
  type Message,
  type MessageNode,
  type ToolCall,
} from '../thread/message.ts';
import type { AnswerNumbers } from '../thread/numbers.ts';
import { AnswerText } from './answer-text.tsx';
import { BranchNav } from './branch-nav.tsx';
import { CopyButton } from './copy-button.tsx';
import { Icon, IconButton } from './icon.tsx';
import { NumbersLine } from './answer-numbers.tsx';

export interface AnswerProps {
  /** While it comes, */
  readonly live: Live | null;
  /** and once it is kept. */
  readonly node: MessageNode | null;
  readonly numbers: AnswerNumbers | null;
  /** What the gateway changed of the request. */
  readonly applied: string | null;
}

export function Answer({ live, node, numbers, applied }: AnswerProps) {
  // Read, so that every frame draws it.
  void live?.frame.value;
  const message = live ? live.answer.message : node;
  const isLive = live !== null && live.status.value !== 'failed';
  return (
    <article
      class={`answer ${isLive ? 'live' : ''}`}
      aria-label="Answer"
      aria-busy={isLive}
      tabIndex={-1}
      data-message={node?.id}
    >
      {message ? <AnswerBody message={message} isLive={isLive} /> : null}
      {isLive ? <Waiting live={live} /> : null}
      {node ? <Remarks numbers={numbers} applied={applied} /> : null}
      {node ? <AnswerFoot node={node} numbers={numbers} /> : null}
    </article>
  );
}

function Waiting({ live }: { live: Live }) {
  if (live.status.value === 'stopping') return <p class="hint">Stopping …</p>;
  if (live.answer.hasBegun) return null;
  return (
    <p class="waiting" aria-hidden="true">
      <span />
      <span />
      <span />
    </p>
  );
}

function AnswerFoot({ node, numbers }: { node: MessageNode; numbers: AnswerNumbers | null }) {
  const { parent } = node;
  return (
    <footer class="message-foot">
      <div class="message-actions">
        <BranchNav id={node.id} />
        <CopyButton label="Copy the answer" copy={() => textToCopy(node)} />
        {parent === null ? null : (
          <IconButton
            icon="again"
            label="Answer again"
            isDisabled={isAnswering()}
            onClick={() => answerAgain(parent)}
          />
        )}
      </div>
      {numbers === null ? null : <NumbersLine numbers={numbers} />}
    </footer>
  );
}

function textToCopy({ content, tool_calls = [] }: Message): string {
  return typeof content === 'string' && content !== ''
    ? content
    : JSON.stringify(tool_calls, null, 2);
}

function AnswerBody({ message, isLive }: { message: Message; isLive: boolean }) {
  const text = typeof message.content === 'string' ? message.content : '';
  const reasoning = reasoningOf(message);
  return (
    <>
      {reasoning === '' ? null : <Reasoning text={reasoning} isThinking={isLive && text === ''} />}
      {text === '' ? null : <AnswerText text={text} isLive={isLive} />}
      {(message.tool_calls ?? []).map((call, at) => (
        <CallCard key={call.id === '' ? at : call.id} call={call} />
      ))}
      <Drawn urls={imagesOf({ content: null, images: message.images ?? [] })} />
    </>
  );
}

/** Longer thoughts are shown by their end. */
const THOUGHT_CHARS = 50_000;

function Reasoning({ text, isThinking }: { text: string; isThinking: boolean }) {
  const shown = text.length > THOUGHT_CHARS ? `… ${text.slice(-THOUGHT_CHARS)}` : text;
  return (
    <details class="reasoning">
      <summary>
        <Icon name="right" size={14} />
        {isThinking ? 'Thinking …' : 'What it thought'}
      </summary>
      <div dir="auto">{shown}</div>
    </details>
  );
}

function CallCard({ call }: { call: ToolCall }) {
  return (
    <section class="call" aria-label={`Call of ${call.function.name}`}>
      <h3>
        <Icon name="tool" size={16} />
        <code>{call.function.name === '' ? '…' : call.function.name}</code>
      </h3>
      <pre tabIndex={0} dir="ltr">
        <code>{prettyJson(call.function.arguments)}</code>
      </pre>
    </section>
  );
}

function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // It is still coming, or it is no JSON: shown as it is.
    return text;
  }
}

/** The pictures that are in the answer. One that would have to be fetched from somewhere is a link. */
export function Drawn({ urls }: { urls: readonly string[] }) {
  if (urls.length === 0) return null;
  return (
    <div class="pictures">
      {urls.map((url, at) =>
        /^data:image\/(?:png|jpeg|webp|gif);base64,/i.test(url) ? (
          <button
            key={at}
            class="picture"
            type="button"
            aria-label={`Picture ${at + 1}, larger`}
            onClick={() => (dialog.value = { name: 'image', url })}
          >
            <img src={url} alt={`Picture ${at + 1}`} decoding="async" />
          </button>
        ) : (
          <RemotePicture key={at} url={url} />
        ),
      )}
    </div>
  );
}

function RemotePicture({ url }: { url: string }) {
  return /^https?:\/\//i.test(url) ? (
    <a href={url} target="_blank" rel="noopener noreferrer nofollow">
      A picture at {new URL(url).host}
    </a>
  ) : (
    <span class="hint">A picture in a form that is not shown here.</span>
  );
}

function Remarks({ numbers, applied }: { numbers: AnswerNumbers | null; applied: string | null }) {
  const remarks = [
    ...(numbers?.finishReason === 'length' ? ['Cut off: the limit of tokens was reached.'] : []),
    ...(numbers?.finishReason === 'content_filter' ? ['Cut off by a content filter.'] : []),
    ...(numbers?.finishReason === 'cancelled' ? ['Stopped here.'] : []),
    ...appliedWords(applied),
  ];
  return (
    <>
      {remarks.map((remark) => (
        <p key={remark} class="remark">
          <span class="badge warn">{remark}</span>
        </p>
      ))}
    </>
  );
}

/** The words to `x-gateway-applied`. */
function appliedWords(applied: string | null): string[] {
  return (applied ?? '').split(', ').flatMap((change) => {
    const [name = '', value = ''] = change.split('=');
    if (name === 'max_tokens_floored')
      return [`The gateway raised max_tokens to ${value}, the least that this model works with.`];
    if (name === 'history_compacted')
      return [`The oldest ${value} turns did not fit into the prompt and were left out of it.`];
    return name === '' ? [] : [change];
  });
}
