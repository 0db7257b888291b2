import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, test} from "node:test";
import {bisect, slack} from "../../../web/page/source/player/containers/bisect";
import {exactly, type Bytes} from "../../../web/page/source/player/containers/bytes";
import {Unplayable, type Container} from "../../../web/page/source/player/containers/container";
import {openContainer} from "../../../web/page/source/player/containers/open";

const step = 32 * 1024;
const seconds = 30;
const folder = mkdtempSync(join(tmpdir(), "chisme-containers-"));
after(() => rmSync(folder, {recursive: true, force: true}));

// A file in memory; counts what is read, in blocks from their front, as the pool does.
class Memory implements Bytes {
  readonly step = step;
  private readonly blocks = new Set<number>();

  constructor(readonly content: Uint8Array) {}

  get size(): number {
    return this.content.length;
  }

  get bytesRead(): number {
    return this.blocks.size * step;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const block = Math.floor(offset / step);
    if (offset < this.size) this.blocks.add(block);
    return this.content.slice(offset, Math.min(offset + length, (block + 1) * step));
  }
}

const picture = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25,noise=alls=20:allf=t"];
const tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", String(seconds)];
const rate = ["-b:v", "600k", "-g", "50"];
const h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", ...rate];
const vp8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", ...rate];
const copied = (from: string, ...options: string[]) => [from, "-c", "copy", ...options];
const fragments = "frag_keyframe+empty_moov+default_base_moof";
const shortFragments = "empty_moov+default_base_moof+skip_trailer";
const mp3 = [...tone, "-c:a", "libmp3lame"];
const recipes: Record<string, string[]> = {
  "index.mp4": [...picture, ...tone, ...h264, "-c:a", "aac"],
  "table.mp4": copied("index.mp4", "-movflags", fragments),
  "bare.mp4": copied("index.mp4", "-movflags", fragments + "+skip_trailer"),
  "short.mp4": copied("index.mp4", "-frag_duration", "300000", "-movflags", shortFragments),
  "older.mp4": copied("index.mp4", "-movflags", "frag_keyframe+empty_moov"),
  "hybrid.mp4": copied("index.mp4", "-movflags", "frag_keyframe"),
  "cues.webm": [...picture, ...tone, ...vp8, "-c:a", "libopus"],
  "live.webm": copied("cues.webm", "-live", "1"),
  "constant.mp3": [...mp3, "-b:a", "128k"],
  "variable.mp3": [...mp3, "-q:a", "4", "-id3v2_version", "3", "-metadata", "title=tone"],
  "bare.mp3": [...mp3, "-b:a", "64k", "-write_xing", "0"],
  "film.mkv": copied("index.mp4"),
};
const made = new Map<string, Uint8Array>();

function file(name: string): Uint8Array {
  if (!made.has(name)) {
    const [source, ...options] = recipes[name]!;
    if (recipes[source!]) file(source!);
    const input = recipes[source!] ? ["-i", join(folder, source!)] : [source!];
    const path = join(folder, name);
    execFileSync("ffmpeg", ["-loglevel", "error", "-y", ...input, ...options, path]);
    made.set(name, Uint8Array.from(readFileSync(path)));
  }
  return made.get(name)!;
}

const all = () => true;
const open = async (name: string) => {
  const bytes = new Memory(file(name));
  return {bytes, container: await openContainer(bytes, all)};
};
const near = (a: number | undefined, b: number, most: number) =>
  assert.ok(a !== undefined && Math.abs(a - b) <= most, `${a}, not about ${b}`);

async function cutStart(bytes: Bytes, container: Container, length: number): Promise<void> {
  for (let at = 0; at < length; at += step) {
    container.cut(at, (await exactly(bytes, at, step)) as Uint8Array<ArrayBuffer>);
  }
}

// The times of the first packets of what a player is given after a jump, as ffprobe finds them.
function timesOf(container: Container, content: Uint8Array, at: number): number[] {
  const start = container.tracks[0]!.start as Uint8Array | undefined;
  const rest = content.subarray(at, at + 200_000);
  const input = Buffer.concat([start ?? new Uint8Array(0), rest]);
  const args = "-v quiet -show_entries packet=pts_time -of csv=p=0 -select_streams 0 -i -".split(" ");
  const lines = execFileSync("ffprobe", args, {input}).toString().trim().split("\n");
  return lines.map((line) => Number.parseFloat(line)).filter(Number.isFinite);
}

const typesOf = ({tracks}: Container) =>
  tracks.map(({type}) => type.replace(/avc1\.[0-9a-f]{6}/, "avc1"));

const types: [name: string, type: string][] = [
  ["table.mp4", 'video/mp4; codecs="avc1,mp4a.40.2"'],
  ["cues.webm", 'video/webm; codecs="vp8,opus"'],
  ["constant.mp3", "audio/mpeg"],
];
for (const [name, type] of types) {
  test(`${name} is ${type}`, async () => {
    assert.deepEqual(typesOf((await open(name)).container), [type]);
  });
}

test("an MP4 with its index at its end is cut track by track", async () => {
  const {bytes, container} = await open("index.mp4");
  const types = ['video/mp4; codecs="avc1"', 'audio/mp4; codecs="mp4a.40.2"'];
  assert.deepEqual(typesOf(container), types);
  near(container.duration, seconds, 0.1);
  let {at} = await container.find(20, bytes);
  const counts = [0, 0];
  for (let i = 0; i < 20; ++i) {
    const more = (await exactly(bytes, at, step)) as Uint8Array<ArrayBuffer>;
    const {pieces, next} = container.cut(at, more);
    for (const {track} of pieces) counts[track]!++;
    at = next;
  }
  assert.ok(counts.every((count) => count > 0), counts.join());
});

for (const name of ["table.mp4", "bare.mp4", "short.mp4", "cues.webm", "live.webm"]) {
  test(`${name}: a jump finds what is shortly before, and reads little`, async () => {
    for (const goal of [13.7, 25, 28]) {
      const {bytes, container} = await open(name);
      await cutStart(bytes, container, bytes.size / 10);
      const {at} = await container.find(goal, bytes);
      const [first] = timesOf(container, bytes.content, at);
      assert.ok(first! <= goal + 0.1 && goal - first! <= 2 * slack, `${goal}: ${first}`);
      const share = bytes.bytesRead / bytes.size;
      assert.ok(share < 0.5, `${goal}: ${share} of it was read`);
    }
  });

  test(`${name}: where it has been jumped to, it goes on as it is`, async () => {
    const {bytes, container} = await open(name);
    const {at} = await container.find(20, bytes);
    const more = (await exactly(bytes, at, 1000)) as Uint8Array<ArrayBuffer>;
    const {pieces, next} = container.cut(at, more);
    assert.deepEqual(pieces, [{track: 0, bytes: more}]);
    assert.equal(next, at + 1000);
  });

}

for (const name of ["table.mp4", "cues.webm", "live.webm"]) {
  test(`${name}: its duration is known, or learnt at its end`, async () => {
    const {bytes, container} = await open(name);
    await container.measure!(bytes);
    near(container.duration, seconds, name === "live.webm" ? 5 : 0.1);
  });
}

for (const name of ["bare.mp4", "short.mp4", "older.mp4"]) {
  test(`${name}: as nothing tells its duration, it is taken to go on as it began`, async () => {
    const {bytes, container} = await open(name);
    assert.equal(container.duration, undefined);
    await cutStart(bytes, container, bytes.size / 2);
    near(container.duration, seconds, 6);
  });
}

test("fragments of a kind that MediaSource does not take are made anew, track by track", async () => {
  for (const name of ["older.mp4", "hybrid.mp4"]) {
    assert.equal((await open(name)).container.tracks.length, 2, name);
  }
});

for (const name of ["constant.mp3", "variable.mp3", "bare.mp3"]) {
  test(`${name}: its duration, and a jump to a frame`, async () => {
    const {bytes, container} = await open(name);
    near(container.duration, seconds, 0.2);
    for (const goal of [1, 12.3, 29]) {
      const {at, time} = await container.find(goal, bytes);
      assert.ok(time! <= goal && time! > goal - 1, `${goal}: ${time}`);
      assert.equal(bytes.content[at], 0xff);
      if (goal < 20) continue;
      const left = timesOf(container, bytes.content.subarray(at), 0).length * (1152 / 44100);
      near(seconds - left, time!, 0.3);
    }
    assert.equal((await container.find(0, bytes)).time, 0);
  });
}

test("an MP3 of another rate in every part is found by the table in its header", async () => {
  const bytes = new Memory(file("variable.mp3").slice());
  const text = Buffer.from(bytes.content.buffer);
  const table = text.indexOf("Xing") + 16;
  for (let i = 0; i < 100; ++i) bytes.content[table + i] = i < 50 ? i : 206 + i - 50;
  const container = await openContainer(bytes, all);
  const before = (await container.find(seconds * 0.4, bytes)).at;
  const after = (await container.find(seconds * 0.6, bytes)).at;
  near(before / bytes.size, 40 / 256, 0.02);
  near(after / bytes.size, 215 / 256, 0.02);
});

test("what MediaSource does not take is said", async () => {
  const bytes = new Memory(file("film.mkv"));
  const refused = {name: "Error", message: "V_MPEG4/ISO/AVC,A_AAC"};
  await assert.rejects(openContainer(bytes, (type) => !type.includes("AVC")), refused);
  await assert.rejects(openContainer(new Memory(new Uint8Array(9000)), all), Unplayable);
  await assert.rejects(openContainer(new Memory(new Uint8Array(0)), all), Unplayable);
});

test("a wrong table of fragments does no harm", async () => {
  const bytes = new Memory(file("table.mp4").slice());
  const text = Buffer.from(bytes.content.buffer);
  const table = text.indexOf("tfra", text.indexOf("mfra"));
  const [entries, entry, offset] = [table + 20, 19, 15];
  for (let i = 0; i < 2; ++i) bytes.content[entries + (12 - i) * entry + offset]! ^= 0x15;
  const container = await openContainer(bytes, all);
  const [first] = timesOf(container, bytes.content, (await container.find(25, bytes)).at);
  assert.ok(first! <= 25 && first! > 25 - 2 * slack, String(first));
});

test("the last point before a time is found in a film of any shape", async () => {
  for (const shape of [0.2, 1, 5]) {
    const points = Array.from({length: 500}, (_, i) => ({
      at: Math.floor(1e8 * (i / 500) ** shape),
      time: 2 * i,
    }));
    for (const goal of [10, 333, 990]) {
      let looks = 0;
      const first = async (from: number) => (looks++, points.find(({at}) => at >= from));
      const found = await bisect(goal, points[0]!, {at: 1e8, time: 1000}, step, first);
      assert.ok(looks <= 8, `${looks} looks`);
      assert.ok(found.time <= goal, `${goal}: ${found.time}`);
      if (shape === 1) assert.ok(goal - found.time <= 2 * slack, `${goal}: ${found.time}`);
    }
  }
});

// Numbers that look random, the same in every run.
function randomness(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

// Does with a file what a player would; only the stated error may come of it.
async function use(content: Uint8Array): Promise<void> {
  const bytes = new Memory(content);
  try {
    const container = await openContainer(bytes, all);
    await container.measure?.(bytes);
    for (const goal of [0, 7, 23]) {
      let {at} = await container.find(goal, bytes);
      for (let i = 0; i < 3 && at < bytes.size; ++i) {
        const more = (await bytes.read(at, step)) as Uint8Array<ArrayBuffer>;
        at = container.cut(at, more).next;
      }
    }
  } catch (failure) {
    if (!(failure instanceof Unplayable)) throw failure;
  }
}

const damaged = Object.keys(recipes).filter((name) => name !== "film.mkv");
for (const [seed, name] of damaged.entries()) {
  test(`${name}: damaged bytes and a missing end do nothing worse than refuse`, async () => {
    const random = randomness(seed);
    const whole = file(name);
    for (let round = 0; round < 15; ++round) {
      const content = whole.slice(0, round % 4 === 0 ? random(whole.length) : whole.length);
      for (let i = random(30); i > 0; --i) {
        const place = [random(1500), random(content.length), content.length - 1 - random(1500)];
        content[Math.max(0, place[random(3)]!)] = [0, 1, 0xff, random(256)][random(4)]!;
      }
      await use(content);
    }
  });
}
