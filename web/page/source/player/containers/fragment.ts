import {boxes, type Box} from "../boxes";

// The head of one fragment of an MP4: its moof box.

export interface FragmentTrack {
  timescale: number;
  duration: number; // of a sample that tells none
  flags: number; // of a sample that tells none
}

export interface Fragment {
  entry: number | undefined; // seconds: its first sample that needs none before it
  end: number; // seconds
}

const headMax = 1024 * 1024;
const notSync = 0x10000;

// Whether a moof box is at index `i`, as far as its first bytes tell; its size, or undefined.
export function moofSize(bytes: Uint8Array, i: number): number | undefined {
  if (!named(bytes, i, "moof") || !named(bytes, i + 8, "mfhd")) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(i);
  return size >= 32 && size <= headMax && view.getUint32(i + 8) === 16 ? size : undefined;
}

function named(bytes: Uint8Array, i: number, kind: string): boolean {
  for (let j = 0; j < 4; ++j) if (bytes[i + 4 + j] !== kind.charCodeAt(j)) return false;
  return true;
}

// What a whole moof box says of one track; undefined when it says nothing of it, or nonsense.
export function fragmentOf(
  moof: Uint8Array,
  id: number,
  track: FragmentTrack,
): Fragment | undefined {
  for (const traf of boxes(moof, 8)) {
    if (traf.kind !== "traf") continue;
    const parts = boxes(moof, traf.at + 8, traf.at + traf.size);
    const head = trackHead(moof, parts, track);
    if (head?.id !== id) continue;
    const start = decodeTime(moof, parts);
    if (start === undefined) return undefined;
    let time = start;
    let entry: number | undefined;
    for (const run of parts.filter(({kind}) => kind === "trun")) {
      const {sync, length} = readRun(moof, run, head);
      if (sync !== undefined) entry ??= (time + sync) / track.timescale;
      time += length;
    }
    return {entry, end: time / track.timescale};
  }
  return undefined;
}

// Whether its samples are told by their place in the file, which MediaSource does not take.
export function countsFromFile(moof: Uint8Array): boolean {
  const tracks = boxes(moof, 8).filter(({kind}) => kind === "traf");
  return tracks.some((traf) =>
    boxes(moof, traf.at + 8, traf.at + traf.size).some(
      (box) => box.kind === "tfhd" && new Fields(moof, box).flags & 0x1,
    ),
  );
}

// Numbers of a box, as long as they lie in it.
class Fields {
  private readonly view: DataView;
  readonly flags: number;
  readonly version: number;
  private at: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, box: Box) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = Math.min(box.at + box.size, bytes.length);
    this.at = box.at + 8;
    const word = this.word();
    this.version = word >>> 24;
    this.flags = word & 0xffffff;
  }

  get left(): number {
    return this.end - this.at;
  }

  word(): number {
    const value = this.left >= 4 ? this.view.getUint32(this.at) : 0;
    this.at += 4;
    return value;
  }

  long(): number {
    return this.word() * 2 ** 32 + this.word();
  }

  skip(count: number): void {
    this.at += count;
  }
}

function trackHead(moof: Uint8Array, parts: Box[], track: FragmentTrack) {
  const box = parts.find(({kind}) => kind === "tfhd");
  if (!box) return undefined;
  const fields = new Fields(moof, box);
  const id = fields.word();
  if (fields.flags & 0x1) fields.skip(8);
  if (fields.flags & 0x2) fields.skip(4);
  const duration = fields.flags & 0x8 ? fields.word() : track.duration;
  if (fields.flags & 0x10) fields.skip(4);
  const flags = fields.flags & 0x20 ? fields.word() : track.flags;
  return {id, duration, flags};
}

function decodeTime(moof: Uint8Array, parts: Box[]): number | undefined {
  const box = parts.find(({kind}) => kind === "tfdt");
  if (!box) return undefined;
  const fields = new Fields(moof, box);
  return fields.version === 1 ? fields.long() : fields.word();
}

// How long the run is, and after how long its first sample is that needs none before it.
function readRun(moof: Uint8Array, run: Box, otherwise: {duration: number; flags: number}) {
  const fields = new Fields(moof, run);
  const {flags} = fields;
  const count = fields.word();
  if (flags & 0x1) fields.skip(4);
  const first = flags & 0x4 ? fields.word() : otherwise.flags;
  const told = [0x100, 0x200, 0x400, 0x800].filter((each) => flags & each);
  let sync = count > 0 && !(first & notSync) ? 0 : undefined;
  if (told.length === 0) {
    if (count > 1 && !(otherwise.flags & notSync)) sync ??= otherwise.duration;
    return {sync, length: count * otherwise.duration};
  }
  let length = 0;
  for (let i = 0; i < count && fields.left >= 4 * told.length; ++i) {
    const values = new Map(told.map((each) => [each, fields.word()]));
    const its = values.get(0x400) ?? (i === 0 ? first : otherwise.flags);
    if (!(its & notSync)) sync ??= length;
    length += values.get(0x100) ?? otherwise.duration;
  }
  return {sync, length};
}
