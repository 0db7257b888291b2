import {exactly, type Bytes} from "./bytes";
import {Unplayable, type Container, type Piece, type Place, type Supported, type Track} from "./container";
import {headerOf, type Header} from "./mp3_header";
import {firstFrame, frameAt, type Frame} from "./mpeg_frame";

// An MP3 file: frames without times, after a header that may tell how long they are.

const looked = 16 * 1024; // bytes: frames have at most 1441
const tagsMax = 4;
const followers = 3;
const before = 0.3; // seconds: a frame may need some of those before it
const type = "audio/mpeg";

export async function openMp3(bytes: Bytes, supported: Supported): Promise<Container> {
  if (!supported(type)) throw new Unplayable(type);
  let at = await afterTags(bytes);
  const window = await exactly(bytes, at, looked);
  const first = firstFrame(window, followers);
  if (first === undefined) throw new Unplayable("no MP3 file");
  at += first;
  const frame = frameAt(window, first)!;
  return new Mp3(at, bytes.size, frame, headerOf(window, first, frame), meanRate(window, first));
}

// After what ID3v2 tags are before the sound, pictures among them.
async function afterTags(bytes: Bytes): Promise<number> {
  let at = 0;
  for (let i = 0; i < tagsMax; ++i) {
    const head = await exactly(bytes, at, 10);
    if (head.length < 10 || String.fromCharCode(...head.subarray(0, 3)) !== "ID3") break;
    const size = head.subarray(6).reduce((sum, byte) => sum * 128 + (byte & 127), 0);
    at += 10 + size + (head[5]! & 0x10 ? 10 : 0);
  }
  return at;
}

// Bytes per second of the frames at hand.
function meanRate(window: Uint8Array, first: number): number {
  let [seconds, at] = [0, first];
  for (let frame = frameAt(window, at); frame; frame = frameAt(window, at)) {
    seconds += frame.samples / frame.rate;
    at += frame.size;
  }
  return (at - first) / seconds;
}

class Mp3 implements Container {
  readonly tracks: readonly Track[] = [{type}];
  readonly duration: number;
  private readonly marks: number[];

  constructor(
    private readonly first: number,
    size: number,
    frame: Frame,
    header: Header | undefined,
    rate: number,
  ) {
    const length = size - first;
    this.duration = header ? (header.frames * frame.samples) / frame.rate : length / rate;
    this.marks = header?.marks.length ? header.marks : [0, header?.bytes ?? length];
  }

  async find(time: number, bytes: Bytes): Promise<Place> {
    const goal = Math.min(time, this.duration) - before;
    if (goal <= 0) return {at: this.first, time: 0};
    const near = Math.floor(this.first + this.byteAt(goal));
    const window = await exactly(bytes, near, looked);
    return {at: near + (firstFrame(window, followers) ?? 0), time: goal};
  }

  cut(at: number, bytes: Uint8Array<ArrayBuffer>): {pieces: Piece[]; next: number} {
    return {pieces: [{track: 0, bytes}], next: at + bytes.length};
  }

  // Between two marks the sound is taken to have as many bytes in every second.
  private byteAt(time: number): number {
    const parts = (time / this.duration) * (this.marks.length - 1);
    const i = Math.min(Math.floor(parts), this.marks.length - 2);
    const [low, high] = [this.marks[i]!, this.marks[i + 1]!];
    return low + (high - low) * (parts - i);
  }
}
