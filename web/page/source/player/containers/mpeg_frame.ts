// Frames of MPEG audio, layer III (ISO 11172-3, 13818-3).

export interface Frame {
  size: number; // bytes
  samples: number;
  rate: number; // samples per second
  kbits: number; // per second
  kind: number; // the same in all frames of a file
  side: number; // bytes of side information
}

export const headBytes = 4;
const kbitsOf1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const kbitsOf2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const rates = [44100, 48000, 32000];

// The frame whose header is at index `i`; undefined when there is none.
export function frameAt(bytes: Uint8Array, i: number): Frame | undefined {
  if (i + headBytes > bytes.length || bytes[i] !== 0xff) return undefined;
  const [second, third, fourth] = [bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!];
  const version = (second >> 3) & 3; // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
  if (second < 0xe0 || version === 1 || ((second >> 1) & 3) !== 1) return undefined;
  const kbits = (version === 3 ? kbitsOf1 : kbitsOf2)[third >> 4];
  const base = rates[(third >> 2) & 3];
  if (!kbits || !base) return undefined;
  const rate = version === 3 ? base : version === 2 ? base / 2 : base / 4;
  const samples = version === 3 ? 1152 : 576;
  const mono = fourth >> 6 === 3;
  const side = version === 3 ? (mono ? 17 : 32) : mono ? 9 : 17;
  const size = Math.floor((samples * kbits * 125) / rate) + ((third >> 1) & 1);
  return {size, samples, rate, kbits, kind: version * 4 + ((third >> 2) & 3), side};
}

// The first index at which a frame is that others of its kind follow.
export function firstFrame(bytes: Uint8Array, followers: number): number | undefined {
  for (let i = 0; i + headBytes <= bytes.length; ++i) {
    const frame = frameAt(bytes, i);
    let next = i;
    let left = followers;
    for (let each = frame; each && each.kind === frame!.kind && left >= 0; --left) {
      next += each.size;
      each = frameAt(bytes, next);
    }
    if (left < 0) return i;
  }
  return undefined;
}
