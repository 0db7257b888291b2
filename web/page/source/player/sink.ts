// One SourceBuffer and what waits to be appended to it. Keeps ten seconds behind the position; when
// the browser has no room left, less.

const behindSeconds = 10;

export class Sink {
  private queue: BufferSource[] = [];
  private removedUpTo = 0;

  constructor(
    private readonly buffer: SourceBuffer,
    private readonly video: HTMLMediaElement,
    private readonly failed: (problem: Error) => void,
  ) {
    buffer.addEventListener("updateend", () => this.next());
    buffer.addEventListener("error", () => failed(new Error("a part could not be decoded")));
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

  // What is still queued belongs to another position.
  restart(): void {
    const [first] = this.queue;
    this.queue = first && !this.started ? [first] : [];
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

  // Seconds up to which something is buffered.
  end(): number {
    const {buffered} = this.buffer;
    return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
  }

  private started = false;

  private next(): void {
    if (this.buffer.updating || this.queue.length === 0) return;
    if (this.video.error) return this.failed(new Error(this.video.error.message));
    if (this.trim(behindSeconds)) return;
    const bytes = this.queue.shift()!;
    try {
      this.buffer.appendBuffer(bytes);
      this.started = true;
    } catch (failure) {
      if (!(failure instanceof DOMException) || failure.name !== "QuotaExceededError") {
        return this.failed(failure as Error);
      }
      this.queue.unshift(bytes);
      if (!this.trim(1)) setTimeout(() => this.next(), 500);
    }
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
