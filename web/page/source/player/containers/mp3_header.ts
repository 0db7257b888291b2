import type {Frame} from "./mpeg_frame";

// What an encoder wrote into the first frame: how long the sound is, and where its parts are.
export interface Header {
  frames: number;
  bytes: number | undefined;
  marks: number[]; // bytes after equal parts of the time, from the file's first frame on
}

// Xing (Info, when the rate is constant) or VBRI; undefined when the first frame holds neither.
export function headerOf(bytes: Uint8Array, at: number, frame: Frame): Header | undefined {
  const end = Math.min(at + frame.size, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  return xing(view, at + 4 + frame.side) ?? vbri(view, at + 36);
}

function named(view: DataView, at: number, ...names: string[]): boolean {
  if (at + 8 > view.byteLength) return false;
  const name = String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
  return names.includes(name);
}

function xing(view: DataView, at: number): Header | undefined {
  if (!named(view, at, "Xing", "Info")) return undefined;
  const flags = view.getUint32(at + 4);
  let next = at + 8;
  const word = (flag: number) => {
    if (!(flags & flag) || next + 4 > view.byteLength) return undefined;
    next += 4;
    return view.getUint32(next - 4);
  };
  const frames = word(1);
  const bytes = word(2);
  if (!frames) return undefined;
  const marks: number[] = [];
  if (flags & 4 && bytes && next + 100 <= view.byteLength) {
    for (let i = 0; i < 100; ++i) marks.push((view.getUint8(next + i) * bytes) / 256);
    marks.push(bytes);
  }
  return {frames, bytes, marks};
}

function vbri(view: DataView, at: number): Header | undefined {
  if (!named(view, at, "VBRI") || at + 26 > view.byteLength) return undefined;
  const [bytes, frames] = [view.getUint32(at + 10), view.getUint32(at + 14)];
  const [entries, scale] = [view.getUint16(at + 18), view.getUint16(at + 20)];
  const size = view.getUint16(at + 22);
  if (!frames) return undefined;
  const marks = [0];
  for (let i = 0; i < entries && size >= 1 && size <= 4; ++i) {
    if (at + 26 + (i + 1) * size > view.byteLength) return {frames, bytes, marks: []};
    let value = 0;
    for (let j = 0; j < size; ++j) value = value * 256 + view.getUint8(at + 26 + i * size + j);
    marks.push(marks[i]! + value * scale);
  }
  return {frames, bytes, marks: marks.length > 1 ? marks : []};
}
