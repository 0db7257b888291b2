import type {ISOFile, Movie} from "mp4box";
import type {BlockPool} from "./block_pool";
import {Sink} from "./sink";

// Plays an MP4 from a block pool through MediaSource: mp4box cuts the file into fragments, the sinks
// append them. For pages without a service worker (plain http on another host).

const aheadSeconds = 20;
const poolSeconds = 5; // further ahead, in the pool
const queueLimit = 2 * 1024 * 1024; // bytes that wait to be appended
const chunk = 256 * 1024;
const samplesPerSegment = 25; // the same for every track: mp4box hangs silently if they differ

export class MediaSourcePlayer {
  private readonly source = new MediaSource();
  private readonly stopped = new AbortController();
  private reading = new AbortController();
  private sinks: Sink[] = [];
  private mp4!: ISOFile;
  private at = 0;
  private told = false; // how long it is
  private guessedFrom = 0; // samples
  private jump = false;
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
    const {createFile, MP4BoxBuffer} = await import("mp4box");
    this.mp4 = createFile(true);
    this.mp4.onError = (_, sentence) => (this.problem ??= new Error(sentence));
    this.mp4.onReady = (movie) => this.ready(movie);
    this.mp4.onSegment = (id, user, buffer, next) => {
      (user as Sink).append(buffer);
      this.mp4.releaseUsedSamples(id, next);
    };
    while (!this.stopped.signal.aborted) {
      if (this.jump) this.reposition();
      this.guessLength();
      const bytes = await this.nextBytes();
      if (this.problem) throw this.problem;
      if (!bytes) continue;
      const from = this.at;
      const next = this.mp4.appendBuffer(
        MP4BoxBuffer.fromArrayBuffer(bytes.buffer, from),
        from + bytes.length >= this.pool.file.size && this.sinks.length > 0,
      );
      if (!this.jump) this.goOn(from + bytes.length, next);
    }
  }

  // mp4box says where it wants to go on: over the samples, while it looks for the moov box.
  private goOn(end: number, next: number | undefined): void {
    this.at = next === undefined || next === this.at ? end : next;
    if (this.at > end + chunk) this.pool.forgetAhead();
  }

  // Waits for room in the buffers, then for bytes. undefined: look again.
  private async nextBytes(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const end = this.at >= this.pool.file.size;
    if (end && this.sinks.length === 0) throw new Error("no moov box: not a complete MP4 file");
    if (end) this.endOfStream();
    const crowded = this.sinks.some((sink) => sink.queued > queueLimit);
    if (end || crowded || this.bufferedAhead() > aheadSeconds) {
      await new Promise((resolve) => setTimeout(resolve, crowded ? 10 : 100));
      return undefined;
    }
    this.reading = new AbortController();
    if (this.sinks.length > 0) this.pool.prefetch(this.at, this.aheadBytes());
    try {
      const bytes = await this.pool.read(this.at, chunk, this.reading.signal);
      return bytes as Uint8Array<ArrayBuffer>;
    } catch (failure) {
      if (this.reading.signal.aborted) return undefined;
      throw failure;
    }
  }

  private ready(movie: Movie): void {
    const tracks = [movie.videoTracks[0], movie.audioTracks[0]].filter((track) => track);
    for (const track of tracks) {
      const kind = track === movie.videoTracks[0] ? "video" : "audio";
      const type = `${kind}/mp4; codecs="${track!.codec}"`;
      if (!MediaSource.isTypeSupported(type)) continue;
      const sink = new Sink(this.source.addSourceBuffer(type), this.video, (problem) => {
        this.problem ??= problem;
      });
      this.sinks.push(sink);
      this.mp4.setSegmentOptions(track!.id, sink, {
        nbSamples: samplesPerSegment,
        rapAlignement: false,
      });
    }
    const fragments = this.mp4.moov?.mvex;
    const length = fragments ? fragments.mehd?.fragment_duration : movie.duration;
    this.told = Boolean(length);
    if (length) this.source.duration = length / movie.timescale;
    else this.guessLength();
    const starts = this.mp4.initializeSegmentation("per-track");
    if (starts.length === 0) {
      this.problem = new Error(tracks.map((track) => track!.codec).join(", ") || "no track");
      return;
    }
    for (const {user, buffer} of starts) (user as Sink).append(buffer);
    this.mp4.start();
    this.jump = true; // the samples may lie before the moov box
  }

  // A fragmented film without an index ends where its fragments end, which nothing tells: from the
  // size of its start follows about how long it is, so that one can jump ahead. The end corrects it.
  private guessLength(): void {
    if (this.told || this.sinks.length === 0 || this.sinks.some((sink) => sink.busy)) return;
    const samples = this.mp4.moov?.traks.map((track) => track.samples) ?? [];
    const longest = samples.sort((a, b) => b.length - a.length)[0] ?? [];
    const last = longest[longest.length - 1];
    if (!last || longest.length <= this.guessedFrom) return;
    this.guessedFrom = 2 * longest.length;
    const guess = ((last.dts / last.timescale) * this.pool.file.size) / (last.offset + last.size);
    const end = Math.max(0, ...this.sinks.map((sink) => sink.end()));
    this.source.duration = Math.max(guess, end);
  }

  private seeking(): void {
    if (this.sinks.length === 0 || this.bufferedAhead() > 0.2) return;
    this.jump = true;
    this.reading.abort();
    this.pool.forgetAhead();
  }

  private reposition(): void {
    this.jump = false;
    this.pool.forgetAhead();
    for (const sink of this.sinks) sink.restart();
    this.at = this.mp4.seek(this.video.currentTime, true).offset;
  }

  private endOfStream(): void {
    if (this.source.readyState !== "open" || this.sinks.some((sink) => sink.busy)) return;
    this.source.endOfStream();
  }

  private bufferedAhead(): number {
    return Math.min(
      ...this.sinks.map((sink) => sink.ahead()),
      this.sinks.length > 0 ? Infinity : 0,
    );
  }

  private aheadBytes(): number {
    const rate = this.pool.file.size / (this.source.duration || 60);
    return Math.min(16 * 1024 * 1024, Math.max(1024 * 1024, rate * poolSeconds));
  }
}
