// A prefix cache as inference servers have one: a prompt is cut into blocks of 16 tokens, each block's hash covers
// everything before it, and whatever leading blocks were seen before count as cached. What this engine reports as
// cached_tokens is therefore computed from the very bytes that were sent, so that a gateway which breaks the
// prefix of a conversation sees it in the numbers.

export const BLOCK_TOKENS = 16;

const DEFAULT_BLOCKS = 65_536;

/** A prompt as far as it is hashed: the whole blocks, and the tokens that do not fill one yet. */
interface Prefix {
  readonly seed: bigint;
  readonly hashes: readonly bigint[];
  readonly rest: readonly string[];
}

export interface Admission {
  readonly cachedTokens: number;
  readonly prefix: Prefix;
}

export interface PrefixCache {
  /** Looks a prompt up, then enters its blocks. `scope` keeps prompts apart that must not share (model, salt). */
  admit(tokens: readonly string[], scope: string): Admission;
  /** Enters the blocks of a prompt followed by what was generated. */
  settle(prefix: Prefix, generated: readonly string[]): void;
}

export function createPrefixCache(capacity = DEFAULT_BLOCKS): PrefixCache {
  // Insertion order is age: an entry is touched by taking it out and putting it back.
  const blocks = new Map<bigint, true>();

  // Last block first, so that a block is never older than those that build on it, and eviction eats chains
  // from their ends: a hit is always a whole leading run.
  function enter(hashes: readonly bigint[]): void {
    for (const hash of hashes.toReversed()) {
      blocks.delete(hash);
      blocks.set(hash, true);
    }
    for (const oldest of blocks.keys()) {
      if (blocks.size <= capacity) break;
      blocks.delete(oldest);
    }
  }

  return {
    admit(tokens, scope) {
      const prefix = extend({ seed: Bun.hash.xxHash64(scope), hashes: [], rest: [] }, tokens);
      const missed = prefix.hashes.findIndex((hash) => !blocks.has(hash));
      const found = missed === -1 ? prefix.hashes.length : missed;
      // The last token's logits are what generation starts from, so at least one token is always computed.
      const reusable = Math.max(0, Math.floor((tokens.length - 1) / BLOCK_TOKENS));
      enter(prefix.hashes);
      return { cachedTokens: Math.min(found, reusable) * BLOCK_TOKENS, prefix };
    },
    settle(prefix, generated) {
      enter(extend(prefix, generated).hashes);
    },
  };
}

function extend(prefix: Prefix, tokens: readonly string[]): Prefix {
  const pending = prefix.rest.length === 0 ? tokens : [...prefix.rest, ...tokens];
  const hashes = [...prefix.hashes];
  let last = hashes.at(-1) ?? prefix.seed;
  let start = 0;
  for (; start + BLOCK_TOKENS <= pending.length; start += BLOCK_TOKENS) {
    // The separator keeps apart blocks whose tokens differ but join to the same text.
    last = Bun.hash.xxHash64(pending.slice(start, start + BLOCK_TOKENS).join('\u001F'), last);
    hashes.push(last);
  }
  return { seed: prefix.seed, hashes, rest: pending.slice(start) };
}
