// The boxes of an MP4; those that it starts with tell how it can be played.

export interface Box {
  kind: string;
  at: number;
  size: number;
}

// Those whose heads lie in `bytes`, which are from `from` to `end` the file's or a box's content.
export function boxes(bytes: Uint8Array, from = 0, end = bytes.length): Box[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Box[] = [];
  for (let at = from; at + 16 <= Math.min(end, bytes.length); ) {
    const short = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short;
    found.push({kind, at, size});
    if (size < 8) break;
    at += size;
  }
  return found;
}

function filmBoxes(start: Uint8Array): Box[] {
  const list = boxes(start);
  return list[0]?.kind === "ftyp" ? list : [];
}

// Whether the film can be played while it comes: its index (moov) is before its media (mdat).
// undefined: cannot be told from these bytes, which is also said of what is no MP4.
export function indexFirst(start: Uint8Array): boolean | undefined {
  const first = filmBoxes(start).find(({kind}) => kind === "moov" || kind === "mdat");
  return first && first.kind === "moov";
}

// A film in fragments: its index says only of what kind they are.
export function isFragmented(start: Uint8Array): boolean {
  const index = filmBoxes(start).find(({kind}) => kind === "moov");
  if (!index) return false;
  return boxes(start, index.at + 8, index.at + index.size).some(({kind}) => kind === "mvex");
}

// One of which no other index tells where the fragments are: who wants to know how long it is has to
// look at each of them.
export function isScattered(start: Uint8Array): boolean {
  return isFragmented(start) && !filmBoxes(start).some(({kind}) => kind === "sidx");
}
