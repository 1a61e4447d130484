// Splits newline-delimited JSON into lines as it arrives. Chunks may be cut anywhere; blank lines are nothing.

export interface LineSplitter {
  /** The lines that `text` completes. Throws RangeError when a line grows beyond `maxLineChars`. */
  push(text: string): string[];
  /** What came after the last line end: a line of its own if the body ends here. */
  rest(): string;
}

export function createLineSplitter(maxLineChars: number): LineSplitter {
  // Pieces of the line that is still incomplete. Kept apart until it ends, so that a long line is joined once.
  let pending: string[] = [];
  let pendingChars = 0;

  function keep(piece: string): void {
    if (piece === '') return;
    pending.push(piece);
    pendingChars += piece.length;
    if (pendingChars > maxLineChars) {
      throw new RangeError(`a line exceeds ${maxLineChars} characters`);
    }
  }

  function take(lastPiece: string): string {
    const line = pending.length === 0 ? lastPiece : pending.join('') + lastPiece;
    pending = [];
    pendingChars = 0;
    return line;
  }

  return {
    push(text) {
      const lines: string[] = [];
      let from = 0;
      for (;;) {
        const end = text.indexOf('\n', from);
        if (end === -1) break;
        const line = take(text.slice(from, end));
        if (line.trim() !== '') lines.push(line);
        from = end + 1;
      }
      keep(from === 0 ? text : text.slice(from));
      return lines;
    },
    rest: () => take(''),
  };
}
