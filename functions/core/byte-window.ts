// The part of a stream of bytes that is in memory: as much ahead as the reader asks for, never the whole.
// What the bytes mean is the reader's.

/** Larger windows are filled in fewer, longer copies; at 4 MiB they cost a hundredth of inflating what they hold. */
const WINDOW_BYTES = 4 * 1_024 * 1_024;
/** The most that can be asked for: then moving the rest to the front copies each byte at most once more. */
export const AHEAD_BYTES_MAX = WINDOW_BYTES / 2;

export class ByteWindow {
  /** Where in the stream `ahead` begins. */
  offset = 0;
  /** No byte follows those that are ahead. */
  hasEnded = false;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #start = 0;
  #end = 0;
  #unread: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The bytes ahead that are in memory: a view, good until the next fill. */
  get ahead(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Whether `count` bytes are ahead, or all that the stream has left. */
  holds(count: number): boolean {
    return this.hasEnded || this.#end - this.#start >= count;
  }

  /** Reads on until `count` bytes are ahead (at most AHEAD_BYTES_MAX), or the stream ends. */
  async fill(count: number): Promise<void> {
    if (this.holds(count)) return;
    if (this.#start + count > WINDOW_BYTES) this.#moveToFront();
    while (!this.holds(count)) {
      if (this.#unread.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) this.hasEnded = true;
        else this.#unread = value;
      }
      const taken = this.#unread.subarray(0, WINDOW_BYTES - this.#end);
      this.#buffer.set(taken, this.#end);
      this.#end += taken.length;
      this.#unread = this.#unread.subarray(taken.length);
    }
  }

  /** Only where room is needed: a source that gives little at a time would else have all bytes moved for each of its pieces. */
  #moveToFront(): void {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  skip(count: number): void {
    this.#start += count;
    this.offset += count;
  }

  /** Lets go of the source when the reader stops before its end. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
