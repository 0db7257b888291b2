import type {ISOFile, Movie, MP4BoxBuffer, Track as Mp4Track} from "mp4box";
import type {Bytes} from "./bytes";
import {Unplayable, type Container, type Piece, type Place, type Supported, type Track} from "./container";
import {guarded, readMovie, type Read} from "./mp4_movie";

// An MP4 with an index, which may be at its end: mp4box cuts it into fragments.

const samplesPerSegment = 25; // the same for every track: mp4box hangs silently if they differ
const turnsMax = 1000; // that mp4box may go back without any piece

export async function openIndexedMp4(
  bytes: Bytes,
  supported: Supported,
  read?: Read,
): Promise<Container> {
  const {mp4, movie} = read ?? (await readMovie(bytes));
  const {MP4BoxBuffer} = await import("mp4box");
  return guarded(() => new IndexedMp4(mp4, movie, bytes.size, supported, MP4BoxBuffer));
}

class IndexedMp4 implements Container {
  readonly tracks: Track[] = [];
  private readonly told: number | undefined;
  private guessed: number | undefined;
  private guessedFrom = 0; // samples
  private pieces: Piece[] = [];
  private turns = 0;

  constructor(
    private readonly mp4: ISOFile,
    movie: Movie,
    private readonly size: number,
    supported: Supported,
    private readonly Buffer: typeof MP4BoxBuffer,
  ) {
    const fragments = mp4.moov?.mvex;
    const length = fragments ? fragments.mehd?.fragment_duration : movie.duration;
    this.told = length ? length / movie.timescale : undefined;
    const chosen = [movie.videoTracks[0], movie.audioTracks[0]].filter((track) => track);
    const kept = (chosen as Mp4Track[]).filter((track) => supported(typeOf(track)));
    for (const [at, {id}] of kept.entries()) {
      mp4.setSegmentOptions(id, at, {nbSamples: samplesPerSegment, rapAlignement: false});
    }
    const starts = mp4.initializeSegmentation("per-track");
    if (kept.length === 0 || starts.length < kept.length) {
      throw new Unplayable(chosen.map((track) => track!.codec).join(", ") || "no track");
    }
    for (const [at, track] of kept.entries()) {
      const start = starts.find(({user}) => user === at)!.buffer;
      this.tracks.push({type: typeOf(track), start});
    }
    mp4.onSegment = (id, user, bytes, next) => {
      this.pieces.push({track: user as number, bytes});
      mp4.releaseUsedSamples(id, next);
    };
    mp4.start();
  }

  get duration(): number | undefined {
    return this.told ?? this.guessed;
  }

  async find(time: number): Promise<Place> {
    return {at: guarded(() => this.mp4.seek(time, true).offset)};
  }

  // mp4box says where it wants to go on: over the samples.
  cut(at: number, bytes: Uint8Array<ArrayBuffer>): {pieces: Piece[]; next: number} {
    const end = at + bytes.length;
    this.pieces = [];
    const wanted = guarded(() =>
      this.mp4.appendBuffer(this.Buffer.fromArrayBuffer(bytes.buffer, at), end >= this.size),
    );
    if (this.told === undefined) this.guess();
    const next = wanted === undefined || wanted === at ? end : wanted;
    this.turns = next > at || this.pieces.length > 0 ? 0 : this.turns + 1;
    if (this.turns > turnsMax) throw new Unplayable("damaged MP4: it leads back and forth");
    return {pieces: this.pieces, next};
  }

  // With fragments after its index, the film is taken to go on as it began.
  private guess(): void {
    const samples = this.mp4.moov?.traks.map((track) => track.samples) ?? [];
    const longest = samples.sort((a, b) => b.length - a.length)[0] ?? [];
    const last = longest.at(-1);
    if (!last || longest.length <= this.guessedFrom) return;
    this.guessedFrom = 2 * longest.length;
    this.guessed = ((last.dts / last.timescale) * this.size) / (last.offset + last.size);
  }
}

function typeOf(track: Mp4Track): string {
  return `${track.video ? "video" : "audio"}/mp4; codecs="${track.codec}"`;
}
