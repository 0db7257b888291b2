import type {Bytes} from "./bytes";

// What the MediaSource player has to know of a kind of file.

export interface Track {
  type: string; // with its codecs
  start?: BufferSource; // to be appended before anything else
}

export interface Piece {
  track: number;
  bytes: BufferSource;
}

export interface Place {
  at: number;
  time?: number; // where the bytes from there on belong, when they do not say it themselves
}

export interface Container {
  readonly tracks: readonly Track[];
  readonly duration: number | undefined; // seconds; may change as more is known

  // Where to go on reading so that `time` can be played.
  find(time: number, bytes: Bytes): Promise<Place>;

  // Takes the bytes from `at` on; `next` is where it wants to go on.
  cut(at: number, bytes: Uint8Array<ArrayBuffer>): {pieces: Piece[]; next: number};

  // Learns what the file's start does not tell of its duration.
  measure?(bytes: Bytes): Promise<void>;
}

// The file is damaged, or of a kind that MediaSource does not take: to be played another way.
export class Unplayable extends Error {}

export type Supported = (type: string) => boolean;
