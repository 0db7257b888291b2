// One SourceBuffer and what waits to be appended to it. Keeps ten seconds behind the position; when
// the browser has no room left, less.

const behindSeconds = 10;

export class Sink {
  private queue: BufferSource[] = [];
  private removedUpTo = 0;
  private restarting: {offset: number | undefined} | undefined;

  // `start` is appended before anything else.
  constructor(
    private readonly buffer: SourceBuffer,
    private readonly video: HTMLMediaElement,
    private start: BufferSource | undefined,
    private readonly failed: (problem: Error) => void,
  ) {
    buffer.addEventListener("updateend", () => this.next());
    buffer.addEventListener("error", () => failed(new Error("a part could not be decoded")));
    this.next();
  }

  get busy(): boolean {
    return this.buffer.updating || this.queue.length > 0;
  }

  // Bytes that wait to be appended.
  get queued(): number {
    return this.queue.reduce((sum, bytes) => sum + bytes.byteLength, 0);
  }

  append(bytes: BufferSource): void {
    this.queue.push(bytes);
    this.next();
  }

  // What is queued or buffered belongs to another position; what comes begins at `offset` seconds,
  // when it does not tell its own times.
  restart(offset: number | undefined): void {
    this.queue = [];
    this.restarting = {offset};
    this.next();
  }

  // Seconds buffered from the position on.
  ahead(): number {
    const {buffered} = this.buffer;
    const now = this.video.currentTime;
    for (let i = 0; i < buffered.length; ++i) {
      if (buffered.start(i) <= now + 0.1 && buffered.end(i) > now) return buffered.end(i) - now;
    }
    return 0;
  }

  // Seconds from which on something after the position is buffered.
  following(): number {
    const {buffered} = this.buffer;
    for (let i = 0; i < buffered.length; ++i) {
      if (buffered.end(i) > this.video.currentTime) return buffered.start(i);
    }
    return Infinity;
  }

  // Seconds up to which something is buffered.
  end(): number {
    const {buffered} = this.buffer;
    return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
  }

  private next(): void {
    if (this.buffer.updating) return;
    if (this.video.error) return this.failed(new Error(this.video.error.message));
    try {
      if (this.restarting) this.clear(this.restarting.offset);
      else if (this.start || this.queue.length > 0) this.appendNext();
    } catch (failure) {
      this.failed(failure as Error);
    }
  }

  private appendNext(): void {
    if (this.trim(behindSeconds)) return;
    try {
      this.buffer.appendBuffer(this.start ?? this.queue[0]!);
    } catch (failure) {
      if (!(failure instanceof DOMException) || failure.name !== "QuotaExceededError") throw failure;
      if (!this.trim(1)) setTimeout(() => this.next(), 500);
      return;
    }
    if (this.start) this.start = undefined;
    else this.queue.shift();
  }

  // Removing opens a MediaSource that had ended; half a part that was appended is forgotten then.
  private clear(offset: number | undefined): void {
    if (this.buffer.buffered.length > 0) return this.buffer.remove(0, Infinity);
    this.restarting = undefined;
    this.removedUpTo = 0;
    this.buffer.abort();
    if (offset !== undefined) this.buffer.timestampOffset = offset;
    this.next();
  }

  // Starts removing what lies more than `seconds` behind, when that is worth it.
  private trim(seconds: number): boolean {
    const {buffered} = this.buffer;
    const limit = this.video.currentTime - seconds;
    if (buffered.length === 0 || limit - buffered.start(0) < Math.min(seconds, 5)) return false;
    if (limit === this.removedUpTo) return false;
    this.removedUpTo = limit;
    this.buffer.remove(0, limit);
    return true;
  }
}
