import {filePath} from "../format";

// A file that is still being uploaded is read from its start, as it comes: what can be played of it?

const looked = 4096; // bytes

// Whether an MP4 file can be played from its start on: its index (moov) comes before its media
// (mdat). undefined: cannot be told from these bytes, which is also said of what is no MP4.
export function indexFirst(start: Uint8Array): boolean | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  for (let at = 0; at + 16 <= start.length; ) {
    const size = view.getUint32(at);
    const kind = String.fromCharCode(...start.subarray(at + 4, at + 8));
    if (kind === "moov") return true;
    if (kind === "mdat") return false;
    if (at === 0 && kind !== "ftyp") return undefined;
    const whole = size === 1 ? Number(view.getBigUint64(at + 8)) : size;
    if (whole < 8) return undefined;
    at += whole;
  }
  return undefined;
}

export async function startOf(origin: string, name: string): Promise<Uint8Array> {
  const stop = new AbortController();
  const response = await fetch(origin + filePath(name), {signal: stop.signal, cache: "no-store"});
  const bytes = new Uint8Array(looked);
  let filled = 0;
  const reader = response.body!.getReader();
  while (filled < looked) {
    const {value, done} = await reader.read();
    if (done) break;
    const part = value.subarray(0, looked - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  stop.abort();
  return bytes.subarray(0, filled);
}
