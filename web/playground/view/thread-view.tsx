// The messages of the branch that is shown, and the answer that is on its way. Stays at its end while the answer
// grows, unless somebody has scrolled away.
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { answerAgain, takeBack } from '../state/compose.ts';
import type { Live } from '../state/live.ts';
import { isOpening, live, thread } from '../state/state.ts';
import { appliedTo, drawnAs, shownPath } from '../state/thread.ts';
import type { MessageNode } from '../thread/message.ts';
import { pathTo } from '../thread/tree.ts';
import { Answer } from './answer.tsx';
import { EmptyThread } from './empty-thread.tsx';
import { ErrorNote } from './error-note.tsx';
import { Icon } from './icon.tsx';
import { Question } from './question.tsx';

/** So near the end counts as at the end. */
const NEAR_PX = 80;

export function ThreadView() {
  const scroller = useRef<HTMLDivElement>(null);
  const [isAway, setAway] = useState(false);
  const current = live.value;
  const path = current ? pathTo(thread.value.tree, current.parent) : shownPath(thread.value);
  const items = [
    ...path.flatMap((node, at) => storedItems(node, at === path.length - 1)),
    ...(current ? liveItems(current) : []),
  ];
  const isEmpty = path.length === 0 && !current && !isOpening.value;
  // Read, so that the end is kept in sight with every frame.
  const frame = current?.frame.value ?? 0;
  const followed = useRef<unknown>(null);
  const lastTop = useRef(0);
  const isFollowing = useRef(true);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const begins = followed.current !== (current?.key ?? thread.value.id);
    followed.current = current?.key ?? thread.value.id;
    if (begins || isFollowing.current) element.scrollTop = element.scrollHeight;
  }, [frame, current?.key, thread.value.id, thread.value.tip]);

  // The field below grows and shrinks, and pictures come late.
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      if (isFollowing.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, [isEmpty]);

  const onScroll = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): void => {
    const isNear = scrollHeight - scrollTop - clientHeight <= NEAR_PX;
    // Only somebody who scrolls up goes away; what grows below does not count.
    if (isNear) isFollowing.current = true;
    else if (scrollTop < lastTop.current) isFollowing.current = false;
    lastTop.current = scrollTop;
    setAway(!isFollowing.current);
  };

  const toEnd = (): void => {
    const element = scroller.current;
    element?.scrollTo({ top: element.scrollHeight, behavior: 'smooth' });
  };
  return (
    <div class="thread-frame">
      <div
        class="thread"
        ref={scroller}
        tabIndex={-1}
        onScroll={({ currentTarget }) => onScroll(currentTarget)}
      >
        {isEmpty ? (
          <EmptyThread />
        ) : (
          <div class="messages">
            {items}
            {isOpening.value && path.length === 0 ? <p class="hint">Opening …</p> : null}
          </div>
        )}
      </div>
      {isAway && !isEmpty ? (
        <button class="button to-end" type="button" onClick={toEnd}>
          <Icon name="down" size={16} />
          To the end
        </button>
      ) : null}
    </div>
  );
}

// Functions that give elements, not components: the answer that was live is the same element in the list when it is
// kept, and only the list may hold it.

function storedItems(node: MessageNode, isLast: boolean): VNode[] {
  const { numbers, failures } = thread.value;
  const key = drawnAs.get(node.id) ?? node.id;
  if (node.role === 'assistant') {
    return [
      <Answer
        key={key}
        live={null}
        node={node}
        numbers={numbers.get(node.id) ?? null}
        applied={appliedTo.get(node.id) ?? null}
      />,
    ];
  }
  const failure = isLast && !live.value ? failures.get(node.id) : undefined;
  const question = <Question key={key} message={node} node={node} />;
  if (!failure) return [question];
  return [
    question,
    <ErrorNote key={`${key}-error`} failure={failure} onRetry={() => answerAgain(node.id)} />,
  ];
}

function liveItems(current: Live): VNode[] {
  const { key, questions, answer, failure, status, retry } = current;
  const isFailed = status.value === 'failed';
  const canBeChanged = questions.some(({ role }) => role === 'user');
  return [
    ...questions.map((message, at) => (
      <Question key={`${key}-${at}`} message={message} node={null} />
    )),
    ...(isFailed && !answer.hasBegun
      ? []
      : [<Answer key={key} live={current} node={null} numbers={null} applied={null} />]),
    ...(isFailed && failure
      ? [
          <ErrorNote
            key={`${key}-error`}
            failure={failure}
            onRetry={retry}
            {...(canBeChanged ? { onEdit: takeBack } : {})}
          />,
        ]
      : []),
  ];
}
