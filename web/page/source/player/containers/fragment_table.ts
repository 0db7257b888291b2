import {boxes} from "../boxes";
import type {Point} from "./bisect";
import {exactly, type Bytes} from "./bytes";

// The table of fragments that an MP4 may have at its end (mfra), as far as it is about one track.

const tableMax = 1024 * 1024; // bytes

export async function fragmentTable(bytes: Bytes, id: number, timescale: number): Promise<Point[]> {
  const end = await exactly(bytes, Math.max(0, bytes.size - 16), 16);
  if (boxes(end)[0]?.kind !== "mfro") return [];
  const size = new DataView(end.buffer, end.byteOffset).getUint32(12);
  if (size < 24 || size > Math.min(tableMax, bytes.size)) return [];
  const table = await exactly(bytes, bytes.size - size, size);
  const [mfra] = boxes(table);
  if (mfra?.kind !== "mfra") return [];
  for (const box of boxes(table, 8)) {
    if (box.kind !== "tfra") continue;
    const points = entries(table.subarray(box.at, box.at + box.size), id, timescale);
    if (points.length > 0) return points;
  }
  return [];
}

function entries(tfra: Uint8Array, id: number, timescale: number): Point[] {
  const points: Point[] = [];
  if (tfra.length < 24) return points;
  const view = new DataView(tfra.buffer, tfra.byteOffset, tfra.length);
  if (view.getUint32(12) !== id) return points;
  const long = view.getUint8(8) === 1;
  const lengths = view.getUint32(16);
  const numbers = 3 + ((lengths >> 4) & 3) + ((lengths >> 2) & 3) + (lengths & 3);
  const size = (long ? 16 : 8) + numbers;
  const read = (at: number) => (long ? Number(view.getBigUint64(at)) : view.getUint32(at));
  for (let at = 24; at + size <= tfra.length; at += size) {
    points.push({at: read(at + (long ? 8 : 4)), time: read(at) / timescale});
  }
  return points;
}
