// A request as the handlers see it.
import type { RequestBody } from './request-body.ts';
import type { RequestHead, RequestHeaders } from './request-head.ts';

export class IncomingRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly body: RequestBody;
  readonly #peer: () => string | undefined;
  /** Called when the client is gone before its reply is complete. */
  onGone: (() => void) | null = null;

  constructor(head: RequestHead, body: RequestBody, peer: () => string | undefined) {
    this.method = head.method;
    this.target = head.target;
    this.headers = head.headers;
    this.body = body;
    this.#peer = peer;
  }

  /** The path without its query. */
  get path(): string {
    const { target } = this;
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    const fragment = path.indexOf('#');
    return fragment === -1 ? path : path.slice(0, fragment);
  }
  /** The address that the connection comes from: a proxy's, where there is one. Empty once it is closed. */
  get peerAddress(): string {
    return this.#peer() ?? '';
  }

  /** The same as the web knows it, without its body; for what was written for that. */
  toRequest(): Request {
    const { method, headers } = this;
    return new Request(`http://${headers.get('host')}${this.target}`, {
      method,
      headers: new Headers([...headers]),
    });
  }
}
