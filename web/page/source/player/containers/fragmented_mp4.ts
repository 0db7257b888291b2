import type {Movie, Track as Mp4Track} from "mp4box";
import {boxes} from "../boxes";
import type {Point} from "./bisect";
import {exactly, type Bytes} from "./bytes";
import {Unplayable, type Container, type Supported, type Track} from "./container";
import {countsFromFile, fragmentOf, moofSize, type FragmentTrack} from "./fragment";
import {fragmentTable} from "./fragment_table";
import {openIndexedMp4} from "./indexed_mp4";
import {readMovie, type Read} from "./mp4_movie";
import {Stream, type Format} from "./stream";

// An MP4 in fragments: MediaSource takes its bytes as they are, unless they are of an older kind.

const startMax = 16 * 1024 * 1024;
const looked = 64 * 1024; // bytes, for the first fragment
const headBytes = 24; // of a moof box, by which it is known

export async function openFragmentedMp4(bytes: Bytes, supported: Supported): Promise<Container> {
  const read = await readMovie(bytes);
  const media = endOfMovie(await exactly(bytes, 0, Math.min(read.next, startMax)));
  if (hasSamples(read) || isOlder(await exactly(bytes, media, looked))) {
    return openIndexedMp4(bytes, supported, read);
  }
  const {movie} = read;
  const tracks = [...movie.videoTracks, ...movie.audioTracks];
  const codecs = tracks.map(({codec}) => codec).join(",");
  const type = `${movie.videoTracks.length > 0 ? "video" : "audio"}/mp4; codecs="${codecs}"`;
  if (tracks.length === 0 || !supported(type)) throw new Unplayable(codecs || "no track");
  const start = (await exactly(bytes, 0, media)) as Uint8Array<ArrayBuffer>;
  const leading = tracks[0]!;
  const duration = durationOf(movie, read);
  const format = new Fragments({type, start}, media, duration, leading.id, trackOf(leading, read));
  return new Stream(format, bytes.size);
}

// Its start is a film of its own, which the fragments go on with: not what MediaSource expects.
function hasSamples({mp4}: Read): boolean {
  const sizes = mp4.moov?.traks.map(({mdia}) => mdia?.minf?.stbl?.stsz?.sample_sizes.length ?? 0);
  return sizes?.some((count) => count > 0) ?? false;
}

function isOlder(media: Uint8Array): boolean {
  const first = boxes(media).find(({kind}) => kind === "moof");
  return first !== undefined && countsFromFile(media.subarray(first.at, first.at + first.size));
}

function endOfMovie(start: Uint8Array): number {
  const moov = boxes(start).find(({kind}) => kind === "moov");
  if (!moov || moov.at + moov.size > start.length) throw new Unplayable("moov box too large");
  return moov.at + moov.size;
}

function durationOf(movie: Movie, {mp4}: Read): number | undefined {
  const length = mp4.moov?.mvex?.mehd?.fragment_duration;
  return length ? length / movie.timescale : undefined;
}

function trackOf({id, timescale}: Mp4Track, {mp4}: Read): FragmentTrack {
  const trex = mp4.moov?.mvex?.trexs.find(({track_id}) => track_id === id);
  const duration = trex?.default_sample_duration ?? 0;
  return {timescale: timescale || 1, duration, flags: trex?.default_sample_flags ?? 0};
}

class Fragments implements Format {
  constructor(
    readonly track: Track,
    readonly media: number,
    readonly duration: number | undefined,
    private readonly id: number,
    private readonly leading: FragmentTrack,
  ) {}

  points(window: Uint8Array, at: number): {points: Point[]; keep: number} {
    const points: Point[] = [];
    let i = 0;
    for (; i + headBytes <= window.length; ++i) {
      const size = moofSize(window, i);
      if (size === undefined) continue;
      if (i + size > window.length) break;
      const fragment = fragmentOf(window.subarray(i, i + size), this.id, this.leading);
      if (fragment?.entry === undefined) continue;
      points.push({at: at + i, time: fragment.entry, end: fragment.end});
    }
    return {points, keep: i};
  }

  index(bytes: Bytes): Promise<Point[]> {
    return fragmentTable(bytes, this.id, this.leading.timescale);
  }
}
