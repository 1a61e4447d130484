// Why an exchange ended when it was the client who ended it: nobody is left to be told.

export const CLIENT_GONE = new Error('the client closed the connection');

/** The same, of a client whose connection is there and who does not read. */
export const CLIENT_STALLED = new Error('the client does not read');

export function isClientGone(reason: unknown): boolean {
  return reason === CLIENT_GONE || reason === CLIENT_STALLED;
}
