// Sends requests on connections that are kept open between them. An upstream may close such a connection in the same
// moment in which the next request goes out on it. That says nothing of the upstream: the request is sent again.

export interface KeptConnections {
  fetch(url: string, init: BunFetchRequestInit): Promise<Response>;
  /** The reply has been read to its end, and its connection is free for the next request. */
  keep(response: Response): void;
}

export function createKeptConnections(): KeptConnections {
  // By origin. fetch does not tell which connection it takes nor when one closes, so this is the most there can be.
  const kept = new Map<string, number>();

  /** Whether the next request may get a connection that has been used before. */
  function take(origin: string): boolean {
    const count = kept.get(origin) ?? 0;
    if (count > 0) kept.set(origin, count - 1);
    return count > 0;
  }

  return {
    async fetch(url, init) {
      const { origin } = new URL(url);
      const mayBeKept = take(origin);
      try {
        return await fetch(url, init);
      } catch (error) {
        if (!mayBeKept || init.signal?.aborted || !isClosed(error)) throw error;
        // The others have most likely been closed as well. So a request that crashes its engine is sent again once.
        kept.delete(origin);
        return await fetch(url, { ...init, keepalive: false });
      }
    },
    keep({ url, headers }) {
      if (/\bclose\b/i.test(headers.get('connection') ?? '')) return;
      const { origin } = new URL(url);
      kept.set(origin, (kept.get(origin) ?? 0) + 1);
    },
  };
}

/** Closed or reset before the head of a reply has come. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'ECONNRESET';
}
