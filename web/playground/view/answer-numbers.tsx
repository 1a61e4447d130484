// What an answer cost, on one line: who, how fast, how many tokens, and how much of the prompt was there already.
import type { AnswerNumbers } from '../thread/numbers.ts';
import { breakReason, reuseOf, shownCount, shownTime, tokensPerSecond } from '../thread/numbers.ts';

export function NumbersLine({ numbers }: { numbers: AnswerNumbers }) {
  const { upstream, upstreamModel, ttftMs, promptTokens, completionTokens } = numbers;
  const speed = tokensPerSecond(numbers);
  return (
    <ul class="numbers" aria-label="About this answer">
      {upstream === null ? null : (
        <li title={upstreamModel === null ? 'Upstream' : `Upstream, as ${upstreamModel}`}>
          {upstream}
        </li>
      )}
      {ttftMs === null ? null : (
        <li title="Time to the first token">
          {shownTime(ttftMs)}
          <span class="unit"> to first token</span>
        </li>
      )}
      {speed === null ? null : (
        <li title="Tokens per second after the first">{shownSpeed(speed)} tok/s</li>
      )}
      {promptTokens === null || completionTokens === null ? null : (
        <li title="Tokens of the prompt, and of the answer">
          <span class="visually-hidden">
            {shownCount(promptTokens)} prompt tokens, {shownCount(completionTokens)} in the answer
          </span>
          <span aria-hidden="true">
            {shownCount(promptTokens)} → {shownCount(completionTokens)} tokens
          </span>
        </li>
      )}
      <Reuse numbers={numbers} />
    </ul>
  );
}

function Reuse({ numbers }: { numbers: AnswerNumbers }) {
  const reuse = reuseOf(numbers);
  if (reuse === null) return null;
  const { cachedTokens, promptTokens, expectedCachedTokens } = numbers;
  const reason = breakReason(numbers);
  const words = [
    `${shownCount(cachedTokens ?? 0)} of ${shownCount(promptTokens ?? 0)} prompt tokens were reused`,
    expectedCachedTokens ? `, ${shownCount(expectedCachedTokens)} were expected` : '',
    '. ',
    reason ?? '',
  ].join('');
  return (
    <li class="reuse" title={words.trim()}>
      <svg class="reuse-bar" width="56" height="8" viewBox="0 0 56 8" aria-hidden="true">
        <rect class="reuse-all" width="56" height="8" rx="4" />
        <rect class="reuse-cached" width={(56 * reuse.cached) / 100} height="8" rx="4" />
        {reuse.expected ? (
          <rect
            class="reuse-expected"
            x={Math.min(54, (56 * reuse.expected) / 100 - 1)}
            width="2"
            height="8"
          />
        ) : null}
      </svg>
      <span class="visually-hidden">{words}</span>
      <span aria-hidden="true">{reuse.cached} % reused</span>
    </li>
  );
}

function shownSpeed(speed: number): string {
  return speed < 10 ? speed.toFixed(1) : shownCount(Math.round(speed));
}
