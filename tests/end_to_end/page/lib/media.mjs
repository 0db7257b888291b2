import {execFileSync} from "node:child_process";
import {statSync} from "node:fs";
import {join} from "node:path";

// A film of about 2 Mbit/s with a tone, its moov box at the end (as ffmpeg writes it unasked).
export function makeFilm(path, seconds) {
  const picture = `testsrc2=size=640x360:rate=25,noise=alls=12:allf=t`;
  const args = [
    ["-y", "-t", seconds, "-f", "lavfi", "-i", picture],
    ["-t", seconds, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"],
    ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"],
    ["-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M", "-c:a", "aac", "-b:a", "96k", path],
  ];
  ffmpeg(args.flat());
  return statSync(path).size;
}

// The film, or its sound, in every format that is promised: their paths by a name without spaces.
// `names` are those wanted.
export function makeFormats(film, folder, names) {
  const copied = (...options) => ["-i", film, "-c", "copy", ...options];
  const recipes = {
    "index-first.mp4": copied("-movflags", "+faststart"),
    "index-last.mp4": copied(),
    "fragmented.mp4": copied("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
    "clip.mkv": copied(),
    "clip.mov": copied(),
    "clip.webm": [
      ...["-i", film, "-vf", "scale=320:180", "-c:v", "libvpx", "-deadline", "realtime"],
      ...["-cpu-used", 16, "-b:v", "1M", "-g", 50, "-c:a", "libopus", "-b:a", "64k"],
    ],
    "sound.mp3": ["-i", film, "-vn", "-c:a", "libmp3lame", "-b:a", "192k"],
  };
  const made = {};
  for (const name of names ?? Object.keys(recipes)) {
    made[name] = join(folder, name);
    ffmpeg(["-y", ...recipes[name], made[name]]);
  }
  return made;
}

export function lengthen(film, times, path) {
  const loop = ["-stream_loop", times - 1, "-i", film, "-c", "copy", path];
  ffmpeg(["-y", ...loop]);
  return path;
}

export function ffmpeg(args) {
  const all = ["-hide_banner", "-loglevel", "error", ...args].map(String);
  execFileSync("ffmpeg", all, {stdio: ["ignore", "inherit", "inherit"]});
}
