import type {BlockPool} from "../block_pool";

// A file whose bytes are read wherever a container needs them.
export interface Bytes {
  readonly size: number;
  readonly step: number; // reading is cheapest from multiples of it

  // At least one byte from `offset` on and at most `length`; none at the file's end.
  read(offset: number, length: number): Promise<Uint8Array>;
}

export const part = 256 * 1024; // is read at once

export function bytesOf(pool: BlockPool, signal: AbortSignal): Bytes {
  return {
    size: pool.file.size,
    step: pool.blocks.blockSize,
    read: (offset, length) => pool.read(offset, length, signal),
  };
}

// Fewer than `length` only where the file ends.
export async function exactly(bytes: Bytes, offset: number, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(Math.max(0, Math.min(length, bytes.size - offset)));
  for (let filled = 0; filled < whole.length; ) {
    const more = await bytes.read(offset + filled, whole.length - filled);
    if (more.length === 0) return whole.subarray(0, filled);
    whole.set(more, filled);
    filled += more.length;
  }
  return whole;
}

// What `look` made of the bytes from `at` on: something, or what it needs to see together with more.
export interface Look<T> {
  found?: T;
  keep: number; // index of the first byte that is still needed
}

// Shows `look` the bytes from `from` to `end` as they come, until it finds something.
export async function scan<T>(
  bytes: Bytes,
  from: number,
  end: number,
  look: (window: Uint8Array, at: number) => Look<T>,
): Promise<T | undefined> {
  let window = new Uint8Array(0);
  let at = from;
  const limit = Math.min(end, bytes.size);
  for (let next = at; next < limit; next = at + window.length) {
    const more = await bytes.read(next, Math.min(part, limit - next));
    if (more.length === 0) return undefined;
    window = joined(window, more);
    const {found, keep} = look(window, at);
    if (found !== undefined) return found;
    at += keep;
    window = window.slice(keep);
  }
  return undefined;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
