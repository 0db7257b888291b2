import assert from "node:assert/strict";
import {test} from "node:test";
import {indexFirst, isScattered} from "../../../web/page/source/player/boxes";
import {actionOf, nextSpeed} from "../../../web/page/source/player/keys";
import {clock, percent, spans} from "../../../web/page/source/player/marks";
import {mediaType} from "../../../web/page/source/player/media_type";
import {Positions} from "../../../web/page/source/player/positions";
import {shownFirst, subtitlesOf} from "../../../web/page/source/player/subtitles";

function shelf(start?: string) {
  let kept = start ?? null;
  return {getItem: () => kept, setItem: (_: string, value: string) => void (kept = value)};
}

test("a file goes on where it was left, in another page too", () => {
  const storage = shelf();
  new Positions(storage).left("film.mp4", 754.8, 3600);
  assert.equal(new Positions(storage).of("film.mp4"), 754);
  assert.equal(new Positions(storage).of("other.mp4"), undefined);
});

test("a file left at its start or its end is played from its start", () => {
  const positions = new Positions(shelf());
  for (const [seconds, duration] of [
    [5, 600],
    [595, 600],
    [7000, 7100],
    [60, Infinity],
    [60, NaN],
  ]) {
    positions.left("film.mp4", 300, 600);
    positions.left("film.mp4", seconds!, duration!);
    assert.equal(positions.of("film.mp4"), undefined, `${seconds} of ${duration}`);
  }
});

test("a hundred positions are kept, those used last", () => {
  const positions = new Positions(shelf());
  for (let i = 0; i < 120; ++i) {
    positions.left(`${i}.mp4`, 50, 100);
    positions.left("often.mp4", 20 + i / 10, 100);
  }
  assert.equal(positions.of("often.mp4"), 31);
  assert.equal(positions.of("119.mp4"), 50);
  assert.equal(positions.of("21.mp4"), 50);
  assert.equal(positions.of("20.mp4"), undefined);
});

test("positions survive a store that holds nonsense, is full or is missing", () => {
  for (const nonsense of ["{", "7", '[1,["a"],["b","c"],null]']) {
    const positions = new Positions(shelf(nonsense));
    assert.equal(positions.of("b"), undefined);
    positions.left("b", 50, 100);
    assert.equal(positions.of("b"), 50);
  }
  const full = () => {
    throw new Error("full");
  };
  new Positions({getItem: () => null, setItem: full}).left("b", 50, 100);
  assert.equal(new Positions().of("b"), undefined);
});

test("subtitles are named like their film", () => {
  const names = [
    "a/film.vtt",
    "a/film.es.vtt",
    "a/film.pt-BR.vtt",
    "a/film.Director's notes.VTT",
    "a/film.2.mp4",
    "a/film.es.srt",
    "a/film.mp4",
    "a/film.x/y.vtt",
    "a/film.a.b.vtt",
    "a/filmvtt",
    "a/film2.vtt",
    "film.vtt",
  ];
  const tags = subtitlesOf("a/film.mp4", names).map(({tag}) => tag);
  assert.deepEqual(tags, ["", "Director's notes", "es", "pt-BR"]);
});

test("subtitles in one's own language are shown, else those that name none", () => {
  const list = subtitlesOf("film.mp4", ["film.vtt", "film.es-MX.vtt", "film.de.vtt"]);
  assert.equal(shownFirst(list, "es")?.tag, "es-MX");
  assert.equal(shownFirst(list, "en")?.tag, "");
  assert.equal(shownFirst(subtitlesOf("film.mp4", ["film.de.vtt"]), "en"), undefined);
});

test("a bar shows what is buffered and where, also of a film of unknown length", () => {
  const ranges = {length: 2, start: (i: number) => [0, 50][i]!, end: (i: number) => [10, 250][i]!};
  assert.deepEqual(spans(ranges, 200), [
    {left: 0, width: 5},
    {left: 25, width: 75},
  ]);
  for (const unknown of [NaN, Infinity, 0]) {
    assert.deepEqual(spans(ranges, unknown), []);
    assert.equal(percent(10, unknown), 0);
  }
  assert.equal(percent(300, 200), 100);
});

test("a time is told as on a clock", () => {
  assert.deepEqual([0, 59.9, 754, 3725, -1].map(clock), ["0:00", "0:59", "12:34", "1:02:05", "0:00"]);
});

test("keys do what they do elsewhere, and leave a button its own", () => {
  assert.deepEqual(actionOf(" ", false), {do: "toggle"});
  assert.deepEqual(actionOf("K", false), {do: "toggle"});
  assert.deepEqual(actionOf("ArrowLeft", false), {do: "skip", by: -5});
  assert.deepEqual(actionOf("7", false), {do: "part", of: 0.7});
  assert.equal(actionOf("Tab", false), undefined);
  assert.equal(actionOf("x", false), undefined);
  for (const key of [" ", "ArrowDown", "Enter", "3"]) assert.equal(actionOf(key, true), undefined);
  assert.deepEqual(actionOf("m", true), {do: "mute"});
});

test("the speed goes up and down between its bounds", () => {
  assert.equal(nextSpeed(1, 1), 1.25);
  assert.equal(nextSpeed(1, -1), 0.75);
  assert.equal(nextSpeed(2, 1), 2);
  assert.equal(nextSpeed(0.5, -1), 0.5);
});

test("the ending tells the type before what the file says of itself", () => {
  assert.equal(mediaType({name: "a.MKV", type: "application/octet-stream"}), "video/webm");
  assert.equal(mediaType({name: "a", type: "audio/x-thing"}), "audio/x-thing");
  assert.equal(mediaType({name: "a.txt", type: "text/plain"}), undefined);
});

function boxes(...list: [kind: string, size: number][]): Uint8Array {
  const bytes = new Uint8Array(200);
  let at = 0;
  for (const [kind, size] of list) {
    new DataView(bytes.buffer).setUint32(at, size);
    for (let i = 0; i < 4; ++i) bytes[at + 4 + i] = kind.charCodeAt(i);
    at += size;
  }
  return bytes;
}

test("a film that comes is playable when its index is first", () => {
  assert.equal(indexFirst(boxes(["ftyp", 32], ["moov", 100])), true);
  assert.equal(indexFirst(boxes(["ftyp", 32], ["free", 8], ["mdat", 100])), false);
  assert.equal(indexFirst(boxes(["ftyp", 32], ["uuid", 900])), undefined);
  assert.equal(indexFirst(boxes(["ftyp", 32], ["free", 2])), undefined);
  assert.equal(indexFirst(new TextEncoder().encode("\x1aE\xdf\xa3 a WebM file, say")), undefined);
  assert.equal(indexFirst(new Uint8Array(3)), undefined);
});

test("a film in fragments without an index is known by its start", () => {
  assert.equal(isScattered(boxes(["ftyp", 32], ["moov", 8], ["mvhd", 40], ["mvex", 20])), false);
  const moov = (...inner: [string, number][]) => {
    const bytes = boxes(["ftyp", 32], ["moov", 8], ...inner);
    new DataView(bytes.buffer).setUint32(32, 8 + inner.reduce((sum, [, size]) => sum + size, 0));
    return bytes;
  };
  assert.equal(isScattered(moov(["mvhd", 40], ["mvex", 20])), true);
  assert.equal(isScattered(moov(["mvhd", 40], ["trak", 20])), false);
  const indexed = moov(["mvhd", 40], ["mvex", 20]);
  indexed.set(new TextEncoder().encode("\0\0\0\x2csidx"), 100);
  assert.equal(isScattered(indexed), false);
});
