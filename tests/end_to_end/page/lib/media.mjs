import {execFileSync} from "node:child_process";
import {statSync} from "node:fs";

// A film of about 2 Mbit/s with a tone, its moov box at the end (as ffmpeg writes it unasked).
export function makeFilm(path, seconds) {
  const picture = `testsrc2=size=640x360:rate=25,noise=alls=12:allf=t`;
  const args = [
    ["-hide_banner", "-loglevel", "error", "-y", "-t", seconds, "-f", "lavfi", "-i", picture],
    ["-t", seconds, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"],
    ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"],
    ["-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M", "-c:a", "aac", "-b:a", "96k", path],
  ];
  execFileSync("ffmpeg", args.flat().map(String), {stdio: ["ignore", "inherit", "inherit"]});
  return statSync(path).size;
}
