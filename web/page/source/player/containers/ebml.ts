// EBML (RFC 8794), what WebM is made of: elements of an id, a size and a content.

export interface Element {
  id: number;
  at: number; // index of its id
  start: number; // index of its content
  end: number; // index after it; Infinity when its size is not told
}

// The element whose head is at index `at`; undefined when it is not one, or not whole there.
export function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const id = number(bytes, at, 4, true);
  const size = id && number(bytes, at + id.length, 8, false);
  if (!size) return undefined;
  const start = at + id.length + size.length;
  const known = size.value !== 2 ** (7 * size.length) - 1;
  return {id: id.value, at, start, end: known ? start + size.value : Infinity};
}

// The elements from index `from` on whose heads are before `end`, one after the other.
export function* elements(bytes: Uint8Array, from: number, end: number): Generator<Element> {
  for (let at = from; at < Math.min(end, bytes.length); ) {
    const element = elementAt(bytes, at);
    if (!element) return;
    yield element;
    at = element.end;
  }
}

export function children(bytes: Uint8Array, {start, end}: Element): Element[] {
  return [...elements(bytes, start, end)];
}

export function child(bytes: Uint8Array, parent: Element, id: number): Element | undefined {
  return children(bytes, parent).find((element) => element.id === id);
}

// The content as a number, of as many bytes as are there, at most eight.
export function unsigned(bytes: Uint8Array, {start, end}: Element): number {
  let value = 0;
  for (const byte of bytes.subarray(start, Math.min(end, start + 8))) value = value * 256 + byte;
  return value;
}

export function float(bytes: Uint8Array, {start, end}: Element): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (end > bytes.length) return undefined;
  if (end - start === 4) return view.getFloat32(start);
  return end - start === 8 ? view.getFloat64(start) : undefined;
}

export function text(bytes: Uint8Array, {start, end}: Element): string {
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 64)));
}

// Its first byte tells its length by its leading zeros; an id keeps the bit that ends them.
function number(bytes: Uint8Array, at: number, longest: number, marked: boolean) {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length = Math.clz32(first) - 23;
  if (length > longest || at + length > bytes.length) return undefined;
  let value = marked ? first : first & (0xff >> length);
  for (let i = 1; i < length; ++i) value = value * 256 + bytes[at + i]!;
  return {value, length};
}
