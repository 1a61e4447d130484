// Between the router's world of Request and Response and our own replies: what most routes answer, and what goes out.
import { ReplyHeaders, type Reply } from './wire/reply.ts';

/** A reply of ours on its way through the router. */
class CarriedReply extends Response {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(null, { status: reply.status });
    this.reply = reply;
  }
}

export function asResponse(reply: Reply): Response {
  return new CarriedReply(reply);
}

/** The reply that a handler's response stands for, with its whole body. */
export async function replyOf(response: Response): Promise<Reply> {
  if (response instanceof CarriedReply) return response.reply;
  const headers = new ReplyHeaders();
  for (const [name, value] of response.headers) headers.set(name, value);
  const body = response.body === null ? null : await response.bytes();
  return { status: response.status, headers, body };
}
