import type {Point} from "./bisect";
import {exactly, part, type Bytes} from "./bytes";
import {Unplayable, type Container, type Supported, type Track} from "./container";
import {child, children, elementAt, elements, float, text, unsigned, type Element} from "./ebml";
import {Stream, type Format} from "./stream";

// A WebM file: MediaSource takes its bytes as they are, from any of its clusters on.

const ids = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  track: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codec: 0x86,
  codecPrivate: 0x63a2,
  cues: 0x1c53bb6b,
  cuePoint: 0xbb,
  cueTime: 0xb3,
  cuePositions: 0xb7,
  cueTrack: 0xf7,
  cueCluster: 0xf1,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
};

const startMax = 16 * 1024 * 1024;
const cuesMax = 4 * 1024 * 1024;
const headBytes = 64; // of a cluster, in which its timestamp is

// All before the first cluster.
interface Start {
  bytes: Uint8Array<ArrayBuffer>;
  content: number; // of the segment: positions count from here
  parts: Element[];
}

export async function openWebm(bytes: Bytes, supported: Supported): Promise<Container> {
  const start = await readStart(bytes);
  const tracks = tracksOf(start);
  const codecs = tracks.map(({codec}) => codec).join(",");
  const video = tracks.find(({type}) => type === 1);
  const type = `${video ? "video" : "audio"}/webm; codecs="${codecs}"`;
  if (tracks.length === 0 || !supported(type)) throw new Unplayable(codecs || "no track");
  const leading = (video ?? tracks[0]!).number;
  return new Stream(new Clusters(start, {type, start: start.bytes}, leading), bytes.size);
}

async function readStart(bytes: Bytes): Promise<Start> {
  let length = part;
  for (;;) {
    const read = await exactly(bytes, 0, length);
    const head = elementAt(read, 0);
    const segment = head?.id === ids.ebml ? elementAt(read, head.end) : undefined;
    if (segment?.id !== ids.segment) throw new Unplayable("no WebM file");
    const parts = children(read, segment);
    const cluster = parts.findIndex(({id}) => id === ids.cluster);
    if (cluster >= 0) {
      const whole = read.slice(0, parts[cluster]!.at);
      return {bytes: whole, content: segment.start, parts: parts.slice(0, cluster)};
    }
    if (length >= Math.min(startMax, bytes.size)) throw new Unplayable("no cluster");
    length *= 2;
  }
}

function tracksOf({bytes, parts}: Start) {
  const list = parts.find(({id}) => id === ids.tracks);
  const tracks = list ? children(bytes, list).filter(({id}) => id === ids.track) : [];
  const read = tracks.map((track) => {
    const value = (id: number) => {
      const found = child(bytes, track, id);
      return found ? unsigned(bytes, found) : 0;
    };
    const codec = codecOf(bytes, track);
    return {number: value(ids.trackNumber), type: value(ids.trackType), codec};
  });
  return read.filter(({type}) => type === 1 || type === 2);
}

const codecNames: Record<string, string> = {
  V_VP8: "vp8",
  V_VP9: "vp9",
  A_OPUS: "opus",
  A_VORBIS: "vorbis",
};

function codecOf(bytes: Uint8Array, track: Element): string {
  const element = child(bytes, track, ids.codec);
  const name = element ? text(bytes, element) : "?";
  return name === "V_AV1" ? av1(bytes, child(bytes, track, ids.codecPrivate)) : (codecNames[name] ?? name);
}

// From an AV1CodecConfigurationRecord: profile, level, tier, bits of a colour.
function av1(bytes: Uint8Array, configuration: Element | undefined): string {
  if (!configuration || configuration.start + 3 > bytes.length) return "av01";
  const first = bytes[configuration.start + 1]!;
  const second = bytes[configuration.start + 2]!;
  const two = (value: number) => String(value).padStart(2, "0");
  const bits = second & 0x40 ? (second & 0x20 ? 12 : 10) : 8;
  return `av01.${first >> 5}.${two(first & 31)}${second & 0x80 ? "H" : "M"}.${two(bits)}`;
}

class Clusters implements Format {
  readonly media: number;
  readonly duration: number | undefined;
  private readonly scale: number; // seconds of one unit of time

  constructor(
    private readonly start: Start,
    readonly track: Track,
    private readonly leading: number,
  ) {
    const {bytes, parts} = start;
    this.media = bytes.length;
    const info = parts.find(({id}) => id === ids.info);
    const scale = info && child(bytes, info, ids.timestampScale);
    this.scale = ((scale && unsigned(bytes, scale)) || 1_000_000) / 1e9;
    const duration = info && child(bytes, info, ids.duration);
    const length = duration && float(bytes, duration);
    if (length) this.duration = length * this.scale;
  }

  points(window: Uint8Array, at: number): {points: Point[]; keep: number} {
    const points: Point[] = [];
    let i = 0;
    for (; i + headBytes <= window.length; ++i) {
      const time = window[i] === 0x1f ? clusterTime(window, i) : undefined;
      if (time !== undefined) points.push({at: at + i, time: time * this.scale});
    }
    return {points, keep: i};
  }

  async index(bytes: Bytes): Promise<Point[]> {
    const {parts} = this.start;
    const cues = parts.find(({id}) => id === ids.cues);
    if (cues) return this.cuePoints(this.start.bytes, cues);
    const at = this.cuesPosition();
    if (at === undefined || at >= bytes.size) return [];
    const head = elementAt(await exactly(bytes, at, 12), 0);
    if (head?.id !== ids.cues || head.end > cuesMax) return [];
    const whole = await exactly(bytes, at, head.end);
    return this.cuePoints(whole, head);
  }

  private cuesPosition(): number | undefined {
    const {bytes, parts, content} = this.start;
    const list = parts.find(({id}) => id === ids.seekHead);
    for (const seek of list ? children(bytes, list) : []) {
      const id = child(bytes, seek, ids.seekId);
      const position = child(bytes, seek, ids.seekPosition);
      if (!id || !position || unsigned(bytes, id) !== ids.cues) continue;
      return content + unsigned(bytes, position);
    }
    return undefined;
  }

  private cuePoints(bytes: Uint8Array, cues: Element): Point[] {
    const points: Point[] = [];
    for (const point of elements(bytes, cues.start, cues.end)) {
      const time = child(bytes, point, ids.cueTime);
      if (point.id !== ids.cuePoint || !time) continue;
      for (const positions of children(bytes, point)) {
        const track = child(bytes, positions, ids.cueTrack);
        const cluster = child(bytes, positions, ids.cueCluster);
        if (positions.id !== ids.cuePositions || !track || !cluster) continue;
        if (unsigned(bytes, track) !== this.leading) continue;
        const at = this.start.content + unsigned(bytes, cluster);
        points.push({at, time: unsigned(bytes, time) * this.scale});
      }
    }
    return points;
  }
}

// The timestamp of the cluster at index `i`; undefined when there is none.
function clusterTime(bytes: Uint8Array, i: number): number | undefined {
  const cluster = elementAt(bytes, i);
  if (cluster?.id !== ids.cluster || cluster.end < cluster.start + 2) return undefined;
  for (const {id, start, end} of elements(bytes, cluster.start, Math.min(cluster.end, i + headBytes))) {
    if (id === ids.timestamp) return end - start <= 8 ? unsigned(bytes, {id, at: 0, start, end}) : undefined;
    if (!aheadOfTimestamp.includes(id)) return undefined;
  }
  return undefined;
}

const aheadOfTimestamp = [0xec, 0xbf, 0xa7, 0xab]; // Void, CRC-32, Position, PrevSize
