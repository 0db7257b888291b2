import {isFragmented} from "../boxes";
import {exactly, type Bytes} from "./bytes";
import {Unplayable, type Container, type Supported} from "./container";
import {openFragmentedMp4} from "./fragmented_mp4";
import {openIndexedMp4} from "./indexed_mp4";
import {openMp3} from "./mp3";
import {openWebm} from "./webm";

const looked = 64 * 1024;

// Opens a file as what its first bytes show; rejects with Unplayable when MediaSource cannot play it.
export async function openContainer(bytes: Bytes, supported: Supported): Promise<Container> {
  const start = await exactly(bytes, 0, looked);
  const begins = (text: string, at = 0) =>
    String.fromCharCode(...start.subarray(at, at + text.length)) === text;
  if (begins("\x1aE\xdf\xa3")) return openWebm(bytes, supported);
  if (begins("ftyp", 4)) {
    const open = isFragmented(start) ? openFragmentedMp4 : openIndexedMp4;
    return open(bytes, supported);
  }
  if (begins("ID3") || (start[0] === 0xff && start[1]! >= 0xe0)) return openMp3(bytes, supported);
  throw new Unplayable("neither MP4, WebM nor MP3");
}
