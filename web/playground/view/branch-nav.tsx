// Between the versions of a message: ‹ 2/3 ›, with the arrow keys too.
import { siblingsOf } from '../thread/tree.ts';
import { isAnswering } from '../state/compose.ts';
import { thread } from '../state/state.ts';
import { showBranch } from '../state/thread.ts';
import { IconButton } from './icon.tsx';

export function BranchNav({ id }: { id: string }) {
  const siblings = siblingsOf(thread.value.tree, id);
  const at = siblings.indexOf(id);
  if (siblings.length < 2) return null;
  const go = (step: number): void => {
    const next = siblings[at + step];
    if (next !== undefined && !isAnswering()) void showBranch(next);
  };
  return (
    <div
      class="branch-nav"
      role="group"
      aria-label={`Version ${at + 1} of ${siblings.length}`}
      onKeyDown={({ key }) => {
        if (key === 'ArrowLeft') go(-1);
        if (key === 'ArrowRight') go(1);
      }}
    >
      <IconButton
        icon="left"
        label="Version before"
        isDisabled={at === 0 || isAnswering()}
        onClick={() => go(-1)}
      />
      <span aria-hidden="true">
        {at + 1}/{siblings.length}
      </span>
      <IconButton
        icon="right"
        label="Next version"
        isDisabled={at === siblings.length - 1 || isAnswering()}
        onClick={() => go(1)}
      />
    </div>
  );
}
