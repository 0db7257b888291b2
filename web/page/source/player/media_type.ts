import type {StoredFile} from "../types";

const typesByEnding: Record<string, string> = {
  mp4: "video/mp4",
  m4v: "video/mp4",
  mov: "video/mp4",
  m4a: "audio/mp4",
  webm: "video/webm",
  mkv: "video/webm",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  oga: "audio/ogg",
  ogv: "video/ogg",
  opus: "audio/ogg",
  wav: "audio/wav",
  flac: "audio/flac",
  aac: "audio/aac",
  avi: "video/x-msvideo",
  ts: "video/mp2t",
  wmv: "video/x-ms-wmv",
};

// The type to hand to a media element, undefined for what is no audio or video. The ending counts
// first: it is what a browser would have guessed when it uploaded the file.
export function mediaType(file: Pick<StoredFile, "name" | "type">): string | undefined {
  const ending = /\.([^./]+)$/.exec(file.name)?.[1]?.toLowerCase() ?? "";
  const known = typesByEnding[ending];
  if (known) return known;
  return /^(audio|video)\//.test(file.type) ? file.type : undefined;
}
