// How many tokens a text may come to, where nobody has counted: by its bytes, as no tokenizer fits every model.

/** Bytes of JSON that a token takes in ordinary text. */
export const USUAL_BYTES_PER_TOKEN = 3.5;

/** An image costs about this many tokens in most models, however long its base64 is. */
export const TOKENS_PER_IMAGE = 1_000;

/** The tokens of so many bytes of text. */
export function tokensIn(bytes: number): number {
  return Math.ceil(bytes / USUAL_BYTES_PER_TOKEN);
}

/** Inline media in JSON text. */
const DATA_URI = /data:[\w.+-]+\/[\w.+-]+;base64,[A-Za-z\d+/=]*/g;

/** Of the JSON text of messages or tools, or of plain text; inline media count as images. */
export function estimatedTokens(text: string): number {
  let images = 0;
  const words = text.includes(';base64,')
    ? text.replaceAll(DATA_URI, () => {
        images++;
        return '';
      })
    : text;
  return tokensIn(Buffer.byteLength(words)) + images * TOKENS_PER_IMAGE;
}
