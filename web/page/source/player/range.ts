// A Range header of a media element: one range of bytes (RFC 9110, 14.1.2).

export interface ByteRange {
  start: number;
  end: number; // the byte after the last
}

// undefined: cannot be satisfied. No header, or one that is not understood, means the whole file.
export function parseRange(header: string | null, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return {start: 0, end: size};
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? undefined : {start: size - length, end: size};
  }
  const start = Number(match[1]);
  const end = match[2] === "" ? size : Math.min(Number(match[2]) + 1, size);
  return start >= size || end <= start ? undefined : {start, end};
}
