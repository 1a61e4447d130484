// A reply's body that comes over time. Whoever has it says what is sent and when; whoever sends it says whether the
// client keeps up, and when it is gone.

export interface BodyWriter {
  /** Sends text; false where the client has to read before more should be sent: then `onRoom` is called. */
  write(text: string): boolean;
  /**
   * The same of bytes, without making a text of them. They lie in a buffer with room around them for what frames them
   * on the wire, and are sent or copied when it returns.
   */
  writeBytes(buffer: Buffer, from: number, to: number): boolean;
  /** The body is complete, with this as its last piece, if any. */
  end(last?: string): void;
  /** Closes the connection, so that nobody takes what has been sent for the whole. */
  abort(): void;
}

/** In bytes: a size of eight digits and its line end, and another line end. */
export const ROOM_BEFORE = 10;
export const ROOM_BEHIND = 2;

export interface StreamBody {
  /** Called once, when the head of the reply goes out. */
  begin(out: BodyWriter): void;
  /** The client has read what it was sent, after a `write` that found no room. */
  onRoom(): void;
  /** The client is gone, before or after `begin`; nothing more is heard or sent. */
  onGone(): void;
}
