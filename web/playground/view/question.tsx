// What was asked: a message of the user, or the results of tools.
import { edit, isAnswering } from '../state/compose.ts';
import { imagesOf, textOf, type Message, type MessageNode } from '../thread/message.ts';
import { BranchNav } from './branch-nav.tsx';
import { CopyButton } from './copy-button.tsx';
import { Drawn } from './answer.tsx';
import { Icon, IconButton } from './icon.tsx';

export function Question({ message, node }: { message: Message; node: MessageNode | null }) {
  if (message.role === 'tool') return <ToolResultCard message={message} node={node} />;
  const text = textOf(message);
  return (
    <article
      class="question"
      aria-label="Question"
      tabIndex={-1}
      {...(node === null ? {} : { 'data-message': node.id })}
    >
      <Drawn urls={imagesOf({ content: message.content })} />
      {text === '' ? null : (
        <div class="bubble" dir="auto">
          {shownStart(text)}
        </div>
      )}
      {node === null ? null : (
        <footer class="message-actions">
          <BranchNav id={node.id} />
          <CopyButton label="Copy the question" copy={() => text} />
          <IconButton
            icon="pencil"
            label="Edit the question"
            isDisabled={isAnswering()}
            onClick={() => edit(node)}
          />
        </footer>
      )}
    </article>
  );
}

function ToolResultCard({ message, node }: { message: Message; node: MessageNode | null }) {
  return (
    <article class="tool-result" aria-label="Result of a tool" tabIndex={-1}>
      <h3>
        <Icon name="tool" size={16} /> Result
        {node === null ? null : <BranchNav id={node.id} />}
      </h3>
      <pre tabIndex={0} dir="auto">
        {shownStart(textOf(message))}
      </pre>
    </article>
  );
}

const SHOWN_CHARS = 50_000;

function shownStart(text: string): string {
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)} …` : text;
}
