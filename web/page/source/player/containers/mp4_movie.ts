import type {ISOFile, Movie} from "mp4box";
import type {Bytes} from "./bytes";
import {part} from "./bytes";
import {Unplayable} from "./container";

// What mp4box reads of a file until it has its index, the moov box. `next` is where it goes on.
export interface Read {
  mp4: ISOFile;
  movie: Movie;
  next: number;
}

export async function readMovie(bytes: Bytes): Promise<Read> {
  const {createFile} = await import("mp4box");
  const mp4 = createFile(true);
  let problem: string | undefined;
  let movie: Movie | undefined;
  mp4.onError = (_, sentence) => (problem ??= sentence);
  mp4.onReady = (read) => (movie = read);
  let at = 0;
  while (!movie) {
    const more = await bytes.read(at, part);
    if (more.length === 0) throw new Unplayable("no moov box: not a complete MP4 file");
    const next = await append(mp4, at, more as Uint8Array<ArrayBuffer>);
    if (problem) throw new Unplayable(problem);
    at = Math.max(at + more.length, next ?? 0);
  }
  return {mp4, movie, next: at};
}

// mp4box throws what it likes at damaged bytes.
async function append(mp4: ISOFile, at: number, bytes: Uint8Array<ArrayBuffer>) {
  const {MP4BoxBuffer} = await import("mp4box");
  return guarded(() => mp4.appendBuffer(MP4BoxBuffer.fromArrayBuffer(bytes.buffer, at)));
}

export function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (failure) {
    throw new Unplayable(`damaged MP4: ${(failure as Error).message}`);
  }
}
