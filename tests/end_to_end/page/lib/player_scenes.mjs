// The player in short: what its keys do, what it remembers, subtitles, formats, and a film that is
// still being uploaded. player_long.mjs measures it at length.
import {createReadStream, statSync} from "node:fs";
import {request} from "node:http";
import {player} from "./browser.mjs";
import {until} from "./cluster.mjs";
import {makeFormats} from "./media.mjs";
import {media, put, seekTime, startTime} from "./playing.mjs";
import {open, playsTo, problems, row, shot} from "./steps.mjs";

const near = (a, b, most = 0.6) => Math.abs(a - b) <= most;
const yes = (the, what, good, figure = good ? "yes" : "no") => the.report(what, figure, "", good);

async function playerKeys(the) {
  const page = await open(the, the.cluster.nodes()[0], "", {viewport: {width: 1280, height: 900}});
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 0.3, 15_000, "plays");
  const press = async (key) => {
    await page.keyboard.press(key);
    await page.waitForTimeout(60);
    return media(page);
  };
  const paused = await press("Space");
  yes(the, "keys: space pauses", paused.paused);
  yes(the, "keys: K plays", !(await press("k")).paused);
  await press("k");
  const at = (await media(page)).currentTime;
  yes(the, "keys: L goes ten seconds on", near((await press("l")).currentTime, at + 10));
  yes(the, "keys: J goes ten seconds back", near((await press("j")).currentTime, at));
  yes(the, "keys: right goes five seconds on", near((await press("ArrowRight")).currentTime, at + 5));
  yes(the, "keys: left goes five seconds back", near((await press("ArrowLeft")).currentTime, at));
  yes(the, "keys: down is quieter", near((await press("ArrowDown")).volume, 0.9, 0.01));
  yes(the, "keys: M mutes", (await press("m")).muted);
  yes(the, "keys: > is faster", (await press(">")).playbackRate === 1.25);
  yes(the, "keys: < is slower", (await press("<")).playbackRate === 1);
  const part = await press("5");
  yes(the, "keys: 5 goes to the middle", near(part.currentTime, part.duration / 2));
  await page.selectOption(".speed select", "2");
  yes(the, "the menu sets the speed", (await media(page)).playbackRate === 2);
  await page.focus(".player .close");
  yes(the, "keys: a button keeps its own", (await press("ArrowRight")).currentTime === part.currentTime);
  await page.click(".keys-help summary");
  await shot(the, page, "10-player-keys");
  const title = await page.evaluate(() => navigator.mediaSession?.metadata?.title);
  yes(the, "the system is told what plays", title === "film.mp4", String(title));
  await page.click(".player .close");
  await page.click(`${row("film.mp4")} .play`);
  await page.waitForSelector(".continued", {timeout: 10_000});
  await playsTo(page, part.currentTime - 2, 10_000, "goes on");
  yes(the, "goes on where it was left", near((await media(page)).currentTime, part.currentTime, 4));
  await shot(the, page, "11-player-continued");
  await page.click(".start-over");
  const over = async () => (await media(page)).currentTime < 5;
  await until(5000, "it starts over", over);
  yes(the, "and can be started over", true);
  problems(the, page, "using the player");
  await page.context().close();
}

const cue = (text) => `WEBVTT\n\n00:00.000 --> 01:00.000\n${text}\n`;

async function playerSubtitles(the) {
  if (the.fake) return;
  const [node] = the.cluster.nodes();
  const texts = {"film.es.vtt": "Hola", "film.en.vtt": "Hello", "filmed.vtt": "no"};
  for (const [name, text] of Object.entries(texts)) {
    await fetch(`${node.url}/files/${name}`, {method: "PUT", body: cue(text)});
  }
  const small = {viewport: {width: 360, height: 740}, locale: "es-ES", reducedMotion: "reduce"};
  const page = await open(the, node, "", small);
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 0.3, 15_000, "plays");
  const tracks = () =>
    page.evaluate(() =>
      Array.from(document.querySelector("video").textTracks, ({label, mode, cues}) => ({
        label,
        mode,
        text: cues?.[0]?.text,
      })),
    );
  const loaded = async () => (await tracks()).some(({text}) => text);
  await until(5000, "the subtitles are read", loaded);
  const [en, es] = await tracks();
  const shown = es.mode === "showing" && es.text === "Hola" && en.mode !== "showing";
  yes(the, "subtitles in one's language are shown", shown, es.label);
  yes(the, "others may be chosen", (await tracks()).length === 2, en.label);
  await page.keyboard.press("c");
  yes(the, "keys: C hides them", (await tracks()).every(({mode}) => mode !== "showing"));
  await page.click(".keys-help summary");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  the.report("the player is not wider than 360 px", wide, "<= 360", wide <= 360);
  await shot(the, page, "12-player-small");
  problems(the, page, "showing subtitles");
  await page.context().close();
  for (const name of Object.keys(texts)) {
    await fetch(`${node.url}/files/${name}`, {method: "DELETE"});
  }
}

const formats = [
  ["index-first.mp4", "sw", "mse"],
  ["fragmented.mp4", "mse"], // the page's own choice, for the service worker would read all of it
  ["clip.mkv", "sw"],
  ["clip.mov", "sw"],
  ["clip.webm", "sw", "mse"],
  ["sound.mp3", "sw", "mse"],
];

// A film of which nothing says how long it is: it is learnt, one can go back, and it ends.
async function playsToEnd(the, page, name) {
  const known = async () => near((await media(page)).duration, 90);
  await until(10_000, `the duration of ${name} is known`, known);
  yes(the, `${name}: its duration is known`, true);
  const back = await seekTime(page, 20);
  the.report(`${name}: plays after a jump back`, `${back} ms`, "<= 3000 ms", back <= 3000);
  await seekTime(page, 87);
  await until(15_000, "it ends", async () => (await media(page)).ended);
  yes(the, `${name}: it ends`, true);
}

// A jump while hardly anything is known of the film.
async function jumpsAtOnce(the, name) {
  const page = await open(the, the.cluster.nodes()[0], "?player=mse");
  await page.evaluate(() => {
    const jump = ({target}) => (target.currentTime = 60);
    document.addEventListener("loadedmetadata", jump, {capture: true, once: true});
  });
  await startTime(page, name);
  const {currentTime} = await media(page);
  yes(the, `${name}: jumps before its duration is known`, currentTime >= 60, `${currentTime} s`);
  await page.context().close();
}

// Where no service worker is, what MediaSource does not take is played the plain way.
async function playerWithoutWorker(the) {
  if (the.fake) return;
  const made = makeFormats(the.film.path, the.folder, ["clip.mkv", "clip.webm"]);
  for (const [name, way] of [["clip.mkv", "plain"], ["clip.webm", "mse"]]) {
    await put(the, name, made[name]);
    const page = await open(the, the.cluster.nodes()[0], "", {serviceWorkers: "block"});
    await startTime(page, name);
    const used = (await player(page)).way;
    the.report(`${name}, without a service worker: the way`, used, way, used === way);
    await page.context().close();
  }
}

async function playerFormats(the) {
  const made = makeFormats(the.film.path, the.folder, formats.map(([name]) => name));
  for (const [name, ...ways] of formats) {
    await put(the, name, made[name]);
    for (const way of ways) {
      const own = name === "fragmented.mp4";
      const page = await open(the, the.cluster.nodes()[0], own ? "" : `?player=${way}`);
      const start = await startTime(page, name);
      const used = (await player(page)).way;
      if (used !== way) the.report(`${name}: the way`, used, way, false);
      the.report(`${name}, ${way}: starts`, `${start} ms`, "<= 3000 ms", start <= 3000);
      const seek = await seekTime(page, 60);
      const what = `${name}, ${way}: plays after a jump`;
      the.report(what, `${seek} ms`, "<= 3000 ms", seek <= 3000);
      if (own) await playsToEnd(the, page, name);
      if (own) await jumpsAtOnce(the, name);
      if (name === "sound.mp3") await shot(the, page, "13-player-sound");
      await page.context().close();
    }
  }
}

// Sends a file at so many bytes per second, to be read while it comes, until it is given up.
export function sendLive(node, name, path, rate, signal) {
  const url = new URL(`${node.url}/files/${name}?live=1`);
  const headers = {"Transfer-Encoding": "chunked"};
  const sending = request(url, {method: "PUT", headers, signal});
  const done = new Promise((resolve, reject) => {
    sending.on("response", (response) => resolve(response.statusCode)).on("error", reject);
  });
  done.catch(() => undefined);
  const source = createReadStream(path, {highWaterMark: Math.round(rate / 10)});
  (async () => {
    for await (const part of source) {
      if (signal?.aborted) return;
      sending.write(part);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    sending.end();
  })();
  return done;
}

// Who uploads it goes away: the player says so, and plays it when it is uploaded again.
async function playerGivenUp(the) {
  if (the.fake) return;
  const [first, second] = the.cluster.nodes();
  const {"fragmented.mp4": film} = makeFormats(the.film.path, the.folder, ["fragmented.mp4"]);
  const stop = new AbortController();
  const page = await open(the, second, "", {viewport: {width: 1280, height: 900}});
  sendLive(first, "left.mp4", film, Math.round(statSync(film).size / 60), stop.signal);
  await startTime(page, "left.mp4", 15_000, '[data-arriving="left.mp4"] .play');
  stop.abort();
  const told = '.player [data-problem="given-up"]';
  await page.waitForSelector(told, {timeout: 30_000});
  const alerts = await page.locator(".player [role=alert]").count();
  the.report("an upload that is given up is told of, once", alerts, "1", alerts === 1);
  await shot(the, page, "16-player-given-up");
  await put(the, "left.mp4", film);
  await page.waitForSelector(told, {state: "detached", timeout: 15_000});
  await playsTo(page, 0.5, 20_000, "plays when it was uploaded again");
  yes(the, "and it plays when it was uploaded again", true);
  await page.context().close();
}

async function playerArriving(the) {
  if (the.fake) return;
  const [first, second] = the.cluster.nodes();
  const made = makeFormats(the.film.path, the.folder, ["fragmented.mp4", "index-last.mp4"]);
  const rate = Math.round(statSync(made["fragmented.mp4"]).size / 20);
  const page = await open(the, second, "", {viewport: {width: 1280, height: 900}});
  const live = sendLive(first, "live.mp4", made["fragmented.mp4"], rate);
  const began = Date.now();
  await page.waitForSelector('[data-arriving="live.mp4"]', {timeout: 15_000});
  the.report("a file that is being uploaded is listed", `${Date.now() - began} ms`, "< 15 s", true);
  const start = await startTime(page, "live.mp4", 15_000, '[data-arriving="live.mp4"] .play');
  the.report("and plays while it comes", `${start} ms`, "< 15 s", !(await listed(first, "live.mp4")));
  await shot(the, page, "14-player-arriving");
  yes(the, "it is stored in the end", (await live) === 201);
  const time = (await media(page)).currentTime;
  await playsTo(page, time + 2, 10_000, "plays on after its upload");
  yes(the, "and plays on", true);
  const late = sendLive(first, "late.mp4", made["index-last.mp4"], 2 * rate);
  await page.click('[data-arriving="late.mp4"] .play', {timeout: 15_000});
  await page.waitForSelector(".arriving-note.wait", {timeout: 10_000});
  yes(the, "a film with its index at its end says so", true);
  await shot(the, page, "15-player-waiting");
  await late;
  await playsTo(page, 0.5, 20_000, "starts by itself");
  const {way} = await player(page);
  yes(the, "and starts by itself when it is whole", way === "sw", way);
  await page.context().close();
}

async function listed(node, name) {
  const {files} = await (await fetch(`${node.url}/files?prefix=${name}`)).json();
  return files.some((file) => file.name === name && !file.incomplete);
}

export const playerScenes = {
  playerKeys,
  playerSubtitles,
  playerFormats,
  playerWithoutWorker,
  playerArriving,
  playerGivenUp,
};
