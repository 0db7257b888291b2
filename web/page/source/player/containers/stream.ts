import {bisect, slack, type Point} from "./bisect";
import {scan, type Bytes} from "./bytes";
import type {Container, Piece, Place, Track} from "./container";

// A film whose bytes MediaSource takes as they are, from any of its points on: MP4 in fragments,
// WebM. Where it has no index, a point is looked for in the middle of it.

export interface Format {
  readonly track: Track;
  readonly media: number; // where the first point is
  readonly duration: number | undefined;

  // The points in these bytes, which are the file's from `at` on; the bytes from index `keep` on
  // may hold the beginning of another.
  points(window: Uint8Array, at: number): {points: Point[]; keep: number};

  // Empty when there is none.
  index(bytes: Bytes): Promise<Point[]>;
}

const pointBytes = 1024 * 1024; // that are read to see one
const tries = 8;
const longest = 16 * 1024 * 1024; // between two points

export class Stream implements Container {
  readonly tracks: readonly Track[];
  private indexed: Promise<Point[]> | undefined;
  private measured: number | undefined;
  private guessed: number | undefined;
  private guessedFrom = 0; // bytes

  constructor(
    private readonly format: Format,
    private readonly size: number,
  ) {
    this.tracks = [format.track];
  }

  get duration(): number | undefined {
    return this.format.duration ?? this.measured ?? this.guessed;
  }

  async find(time: number, bytes: Bytes): Promise<Place> {
    const {media} = this.format;
    if (time < slack) return {at: media};
    const known = await this.findInIndex(time, bytes);
    if (known) return {at: known.at};
    if (this.duration === undefined) await this.measure(bytes);
    const end = {at: this.size, time: this.duration ?? time};
    const first = (from: number, limit: number) =>
      this.first(bytes, from, Math.min(limit, from + longest) + pointBytes);
    return {at: (await bisect(time, {at: media, time: 0}, end, bytes.step, first)).at};
  }

  cut(at: number, bytes: Uint8Array<ArrayBuffer>): {pieces: Piece[]; next: number} {
    this.guess(at, bytes);
    return {pieces: [{track: 0, bytes}], next: at + bytes.length};
  }

  async measure(bytes: Bytes): Promise<void> {
    if (this.format.duration !== undefined) return;
    const last = (await this.index(bytes)).at(-1);
    const found = last
      ? await this.first(bytes, last.at, last.at + pointBytes)
      : await this.last(bytes);
    if (found) this.measured = found.end ?? found.time;
  }

  private index(bytes: Bytes): Promise<Point[]> {
    this.indexed ??= this.format.index(bytes).catch((failure) => {
      this.indexed = undefined;
      throw failure;
    });
    return this.indexed;
  }

  // The index may be wrong: it only counts where there is a point indeed.
  private async findInIndex(time: number, bytes: Bytes): Promise<Point | undefined> {
    const before = (await this.index(bytes)).filter((point) => point.time <= time);
    for (const {at} of before.slice(-tries).reverse()) {
      const found = await this.first(bytes, at, at + pointBytes, at);
      if (found) return found;
    }
    return undefined;
  }

  // The first point from a byte on; with `only`, none but the one there.
  private first(
    bytes: Bytes,
    from: number,
    end: number,
    only?: number,
  ): Promise<Point | undefined> {
    return scan<Point | undefined>(bytes, from, end, (window, at) => {
      const {points, keep} = this.format.points(window, at);
      return {found: points[0], keep};
    }).then((point) => (only === undefined || point?.at === only ? point : undefined));
  }

  private async last(bytes: Bytes): Promise<Point | undefined> {
    const block = this.size - 1 - ((this.size - 1) % bytes.step);
    const from = Math.max(this.format.media, block - bytes.step);
    let last: Point | undefined;
    await scan(bytes, from, this.size, (window, at) => {
      const {points, keep} = this.format.points(window, at);
      last = points.at(-1) ?? last;
      return {keep};
    });
    return last;
  }

  // Without a word about it, the film is taken to go on as it began.
  private guess(at: number, bytes: Uint8Array): void {
    if (this.format.duration !== undefined || this.measured !== undefined) return;
    const {media} = this.format;
    const last = this.format.points(bytes, at).points.at(-1);
    if (!last || last.at - media <= 2 * this.guessedFrom) return;
    this.guessedFrom = last.at - media;
    this.guessed = (last.time * (this.size - media)) / this.guessedFrom;
  }
}
