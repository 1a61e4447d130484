// An answer's Markdown, drawn block by block: what is finished is drawn once, and only the last block again.
import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { BlockSplitter, type Block } from '../markdown/blocks.ts';
import { jsonAnswer } from '../markdown/json-answer.ts';
import { GrowingCode, showCode } from '../markdown/show-code.ts';
import { renderMarkdown, renderPlain } from '../markdown/render.ts';
import { shownCount } from '../thread/numbers.ts';
import { CopyButton } from './copy-button.tsx';

/** What is drawn of an answer unless somebody asks for the rest. */
const SHOWN_CHARS = 200_000;
const SHOWN_BLOCKS = 1_000;

export function AnswerText({ text, isLive }: { text: string; isLive: boolean }) {
  const json = jsonAnswer(text, !isLive);
  if (json === null) return <MarkdownText text={text} isLive={isLive} />;
  return (
    <div class="prose">
      <CodeBlock block={{ kind: 'code', text: json, language: 'json', isClosed: !isLive }} />
    </div>
  );
}

function MarkdownText({ text, isLive }: { text: string; isLive: boolean }) {
  const [showsAll, setShowsAll] = useState(false);
  const drawn = useRef(new DrawnBlocks());
  const isLong = text.length > SHOWN_CHARS;
  const shown = isLong && !showsAll ? text.slice(0, SHOWN_CHARS) : text;
  const blocks = drawn.current.draw(shown, !isLive || isLong);
  const isCut = !showsAll && (isLong || blocks.length > SHOWN_BLOCKS);
  return (
    <div class="prose">
      {isCut ? blocks.slice(0, SHOWN_BLOCKS) : blocks}
      {isCut ? (
        <p class="cut">
          <button class="button small" type="button" onClick={() => setShowsAll(true)}>
            Show all {shownCount(text.length)} characters
          </button>
        </p>
      ) : null}
    </div>
  );
}

/** The elements of the blocks; the same one for a finished block, which Preact then leaves alone. */
class DrawnBlocks {
  #splitter = new BlockSplitter();
  #taken = '';
  #isEnded = false;
  #closed: VNode[] = [];

  draw(text: string, isEnded: boolean): VNode[] {
    const goesOn = !this.#isEnded && text.startsWith(this.#taken);
    if (!goesOn && text !== this.#taken) this.#begin();
    this.#splitter.push(text.slice(this.#taken.length));
    this.#taken = text;
    if (isEnded && !this.#isEnded) {
      this.#splitter.end();
      this.#isEnded = true;
    }
    const blocks = this.#splitter.blocks;
    for (let at = this.#closed.length; at < this.#splitter.closed.length; at++)
      this.#closed.push(drawnBlock(blocks[at], at));
    const open = blocks.slice(this.#closed.length);
    return [...this.#closed, ...open.map((block) => drawnBlock(block, this.#closed.length))];
  }

  #begin(): void {
    this.#splitter = new BlockSplitter();
    this.#taken = '';
    this.#isEnded = false;
    this.#closed = [];
  }
}

function drawnBlock(block: Block | undefined, at: number): VNode {
  return block?.kind === 'code' ? (
    <CodeBlock key={at} block={block} />
  ) : (
    <MarkdownBlock key={at} text={block?.text ?? ''} isClosed={block?.isClosed ?? true} />
  );
}

/** A block that takes longer is plain text until it is whole, instead of being rendered again with every frame. */
const SLOW_MS = 120;

function MarkdownBlock({ text, isClosed }: { text: string; isClosed: boolean }) {
  const element = useRef<HTMLDivElement>(null);
  const isSlow = useRef(false);
  useLayoutEffect(() => {
    const startedAt = performance.now();
    const nodes = isSlow.current && !isClosed ? renderPlain(text) : renderMarkdown(text);
    element.current?.replaceChildren(nodes);
    isSlow.current ||= performance.now() - startedAt > SLOW_MS;
  }, [text, isClosed]);
  return <div ref={element} class="block" />;
}

/** They turn text around, so that code reads otherwise than it runs. */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/;

function CodeBlock({ block: { text, language, isClosed } }: { block: Block }) {
  const element = useRef<HTMLElement>(null);
  const growing = useRef<GrowingCode | null>(null);
  useLayoutEffect(() => {
    const code = element.current;
    if (!code) return;
    if (isClosed) void showCode(code, text, language);
    else (growing.current ??= new GrowingCode(code)).show(text);
  }, [text, language, isClosed]);
  const name = language === '' ? 'Code' : language.slice(0, 40);
  return (
    <figure class="code">
      <figcaption>
        <span>{name}</span>
        {TURNING.test(text) ? (
          <span class="badge warn">hidden characters turn its direction</span>
        ) : null}
        <CopyButton label={`Copy the ${name} code`} text="Copy" copy={() => text} />
      </figcaption>
      <pre tabIndex={0} dir="ltr">
        <code ref={element} />
      </pre>
    </figure>
  );
}
