import type {BlockPool} from "./block_pool";
import {bytesOf, part} from "./containers/bytes";
import type {Container} from "./containers/container";
import {openContainer} from "./containers/open";
import {Sink} from "./sink";

// Plays a file from a block pool through MediaSource: its container says what to read for a time and
// cuts it, the sinks append the pieces. For pages without a service worker (plain http on another
// host), and for films that a media element would read all of.

const aheadSeconds = 20;
const poolSeconds = 5; // further ahead, in the pool
const queueLimit = 2 * 1024 * 1024; // bytes that wait to be appended
const enoughSeconds = 1; // are buffered before the file's end is looked at
const measurePause = 2000; // ms, after a look that failed
const longestSeconds = 1e7;
const idlePause = 5; // ms

export class MediaSourcePlayer {
  private readonly source = new MediaSource();
  private readonly stopped = new AbortController();
  private reading = new AbortController();
  private container!: Container;
  private sinks: Sink[] = [];
  private at = 0;
  private told: number | undefined; // how long it is
  private measuring = false;
  private jump = true;
  private goal = 0; // of the last jump
  private problem: Error | undefined;

  constructor(
    private readonly pool: BlockPool,
    private readonly video: HTMLMediaElement,
    private readonly failed: (problem: Error) => void,
  ) {}

  start(): void {
    const url = URL.createObjectURL(this.source);
    this.video.src = url;
    const signal = this.stopped.signal;
    this.video.addEventListener("seeking", () => this.seeking(), {signal});
    const opened = () => {
      URL.revokeObjectURL(url);
      this.run().catch((problem: unknown) => {
        if (!signal.aborted) this.failed(problem as Error);
      });
    };
    this.source.addEventListener("sourceopen", opened, {once: true});
  }

  stop(): void {
    this.stopped.abort();
    this.reading.abort();
  }

  private async run(): Promise<void> {
    const {signal} = this.stopped;
    const supported = (type: string) => MediaSource.isTypeSupported(type);
    this.container = await openContainer(bytesOf(this.pool, signal), supported);
    if (signal.aborted) return;
    this.tellLength();
    // Until the length is told jumps would be cut to what is buffered.
    if (this.told === undefined) this.source.setLiveSeekableRange(0, longestSeconds);
    this.sinks = this.container.tracks.map(({type, start}) => {
      const failed = (problem: Error) => (this.problem ??= problem);
      return new Sink(this.source.addSourceBuffer(type), this.video, start, failed);
    });
    while (!signal.aborted) {
      this.reading = new AbortController();
      try {
        await this.step();
      } catch (failure) {
        if (!this.reading.signal.aborted) throw failure;
      }
      if (this.problem) throw this.problem;
    }
  }

  // One jump, one read or one wait.
  private async step(): Promise<void> {
    if (this.jump) await this.reposition();
    const bytes = await this.nextBytes();
    this.tellLength();
    this.overGap();
    this.measure();
    if (!bytes || this.jump) return;
    const from = this.at;
    const {pieces, next} = this.container.cut(from, bytes);
    await this.tellFirstLength();
    if (this.jump) return;
    for (const {track, bytes: piece} of pieces) this.sinks[track]!.append(piece);
    this.at = next;
    if (next > from + bytes.length + part) this.pool.forgetAhead();
  }

  // Waits for room in the buffers, then for bytes. undefined: look again.
  private async nextBytes(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const end = this.at >= this.pool.file.size;
    if (end) this.endOfStream();
    const crowded = this.sinks.some((sink) => sink.queued > queueLimit);
    if (end || crowded || this.bufferedAhead() > aheadSeconds) {
      await new Promise((resolve) => setTimeout(resolve, crowded ? 10 : 100));
      return undefined;
    }
    this.pool.prefetch(this.at, this.aheadBytes());
    const bytes = await this.pool.read(this.at, part, this.reading.signal);
    return bytes as Uint8Array<ArrayBuffer>;
  }

  // The buffers may still be working, which forbids it: then the next step does.
  private tellLength(): void {
    const {duration} = this.container;
    if (duration === undefined || duration === this.told) return;
    if (this.source.readyState !== "open" || this.sinks.some((sink) => sink.busy)) return;
    this.told = duration;
    const end = Math.max(0, ...this.sinks.map((sink) => sink.end()));
    if (duration > 0 && duration < longestSeconds) this.source.duration = Math.max(duration, end);
  }

  // Buffers that are never idle would forbid it for as long as there is something to read.
  private async tellFirstLength(): Promise<void> {
    const due = () =>
      this.told === undefined &&
      this.container.duration !== undefined &&
      this.source.readyState === "open";
    for (this.tellLength(); due() && !this.stopped.signal.aborted; this.tellLength()) {
      await new Promise((resolve) => setTimeout(resolve, idlePause));
    }
  }

  // What fails is tried again, but not at once.
  private measure(): void {
    if (this.measuring || this.bufferedAhead() < enoughSeconds) return;
    this.measuring = true;
    const again = () => setTimeout(() => (this.measuring = false), measurePause);
    this.container.measure?.(bytesOf(this.pool, this.stopped.signal)).catch(again);
  }

  private seeking(): void {
    if (this.sinks.length === 0 || this.bufferedAhead() > 0.2) return;
    this.jump = true;
    this.reading.abort();
    this.pool.forgetAhead();
  }

  private async reposition(): Promise<void> {
    this.jump = false;
    this.pool.forgetAhead();
    this.goal = this.video.currentTime;
    const bytes = bytesOf(this.pool, this.reading.signal);
    const {at, time} = await this.container.find(this.goal, bytes);
    for (const sink of this.sinks) sink.restart(time);
    this.at = at;
  }

  // What is buffered was read since the last jump, in order: nothing comes before it any more.
  private overGap(): void {
    const elsewhere = this.video.seeking && this.video.currentTime !== this.goal; // a jump is to come
    if (elsewhere || this.bufferedAhead() > 0 || this.sinks.some((sink) => sink.busy)) return;
    const start = Math.max(...this.sinks.map((sink) => sink.following()));
    const end = Math.min(...this.sinks.map((sink) => sink.end()));
    if (start > this.video.currentTime && end > start + 0.5) this.video.currentTime = start;
  }

  private endOfStream(): void {
    if (this.source.readyState !== "open" || this.sinks.some((sink) => sink.busy)) return;
    this.source.endOfStream();
  }

  private bufferedAhead(): number {
    return Math.min(...this.sinks.map((sink) => sink.ahead()));
  }

  private aheadBytes(): number {
    const rate = this.pool.file.size / (this.source.duration || 60);
    return Math.min(16 * 1024 * 1024, Math.max(1024 * 1024, rate * poolSeconds));
  }
}
