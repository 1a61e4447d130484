// Cuts an answer into blocks while it comes, so that what is finished is rendered once and only the last block again.
// A block is some paragraphs of Markdown, or one fenced code block. Cuts are made where Markdown would begin anew
// anyhow: after a blank line, outside of lists and fences.

export interface Block {
  readonly kind: 'markdown' | 'code';
  /** Of code: without its fences. */
  readonly text: string;
  /** Of code: what stands behind the opening fence. */
  readonly language: string;
  /** Nothing more is added to it. */
  readonly isClosed: boolean;
}

/** Short paragraphs share a block: each block costs an element and a call of the sanitiser. */
const SHORT_CHARS = 400;

const FENCE = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})\s*(\S*)/;
/** Of a fence within a list, which is part of the list. */
const INNER_FENCE = /^[ \t]{2,}(`{3,}(?=[^`]*$)|~{3,})/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const BLANK = /^[ \t]*$/;

export class BlockSplitter {
  readonly closed: Block[] = [];
  /** What came of the line that has not ended. */
  #line = '';
  #text = '';
  /** The fence of the code block that is open, and what was behind it. */
  #fence: { readonly mark: string; readonly indent: number; readonly language: string } | null =
    null;
  /** A fence that is open within a list. */
  #innerFence: string | null = null;
  #isList = false;
  #afterBlank = false;

  push(piece: string): void {
    const lines = (this.#line + piece).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  /** All blocks so far, the one that is still open last. */
  get blocks(): readonly Block[] {
    const open = this.#open();
    return open === null ? this.closed : [...this.closed, open];
  }

  /** Nothing more comes: the last block is closed, too. */
  end(): readonly Block[] {
    if (this.#line !== '') this.push('\n');
    const open = this.#open();
    if (open !== null) this.closed.push({ ...open, isClosed: true });
    this.#text = '';
    this.#fence = null;
    return this.closed;
  }

  #open(): Block | null {
    if (this.#fence) {
      // A closing fence whose line end has not come is not code.
      const line = this.#closes(this.#line) ? '' : this.#line;
      return code(this.#fence.language, this.#text + line, false);
    }
    const begun = this.#innerFence === null ? FENCE.exec(this.#line) : null;
    const text = begun && !this.#isInList(begun[1] ?? '') ? this.#text : this.#text + this.#line;
    return BLANK.test(text.slice(-200)) && text.trim() === '' ? null : markdown(text, false);
  }

  #take(line: string): void {
    if (this.#fence) {
      if (this.#closes(line)) this.#closeCode(this.#fence.language);
      else this.#text += `${outdented(line, this.#fence.indent)}\n`;
      return;
    }
    if (this.#innerFence !== null) {
      if (line.trim().startsWith(this.#innerFence)) this.#innerFence = null;
      this.#text += `${line}\n`;
      return;
    }
    this.#takeText(line);
  }

  #takeText(line: string): void {
    const isBlank = BLANK.test(line);
    if (this.#afterBlank && !isBlank && !/^[ \t]/.test(line)) this.#mayCut(line);
    // Blank lines in a row mean no more than one, and there may be a million of them.
    if (isBlank && this.#afterBlank) return;
    this.#afterBlank = isBlank && this.#text !== '';
    const fence = FENCE.exec(line);
    if (fence && !this.#isInList(fence[1] ?? '')) {
      this.#closeText();
      this.#fence = {
        mark: fence[2] ?? '```',
        indent: (fence[1] ?? '').length,
        language: fence[3] ?? '',
      };
      return;
    }
    this.#innerFence = this.#isList ? (INNER_FENCE.exec(line)?.[1] ?? null) : null;
    this.#isList ||= LIST_ITEM.test(line);
    if (!isBlank || this.#text !== '') this.#text += `${isBlank ? '' : line}\n`;
  }

  /** After a blank line, before a line that is not indented. */
  #mayCut(line: string): void {
    const goesOn = this.#isList && LIST_ITEM.test(line);
    if (goesOn && this.#text.length < LONGEST_LIST) return;
    if (!goesOn) this.#isList = false;
    if (this.#text.length >= SHORT_CHARS) this.#closeText();
  }

  #isInList(indent: string): boolean {
    return this.#isList && indent.length >= 2;
  }

  #closes(line: string): boolean {
    const mark = this.#fence?.mark ?? '';
    const found = /^ {0,3}(`{3,}|~{3,})[ \t]*\r?$/.exec(line)?.[1] ?? '';
    return found !== '' && found.startsWith(mark);
  }

  #closeText(): void {
    if (this.#text.trim() !== '') this.closed.push(markdown(this.#text, true));
    this.#text = '';
    this.#isList = false;
    this.#innerFence = null;
  }

  #closeCode(language: string): void {
    this.closed.push(code(language, this.#text, true));
    this.#text = '';
    this.#fence = null;
    this.#afterBlank = false;
  }
}

/** A list with blank lines between its items is cut all the same when it gets long: its numbers go on. */
const LONGEST_LIST = 4_000;

function markdown(text: string, isClosed: boolean): Block {
  return { kind: 'markdown', text, language: '', isClosed };
}

function code(language: string, text: string, isClosed: boolean): Block {
  return { kind: 'code', text: text.replace(/\n$/, ''), language, isClosed };
}

function outdented(line: string, indent: number): string {
  let at = 0;
  while (at < indent && line[at] === ' ') at++;
  return line.slice(at);
}
