// Measures the player at length:
//   node player_long.mjs [--runs 10] [--only faults,buffer,slow,long,paused,hidden]
//                        [--formats index-first.mp4,clip.webm] [--ways sw,mse] [PROGRAM]
// PROGRAM, or CHISME, is the program; without either, build/release/chisme. `buffer` is run, as root,
// in a network of its own whose loopback is made slow. `slow` uses fake nodes, of which each has its
// speed, and the page in CHISME_PAGE_ASSETS (build.mjs --out). Prints rows for docs/page.md.
// 10 runs of all formats take about an hour for each of `faults` and `buffer`.
import {execFileSync, spawnSync} from "node:child_process";
import {mkdirSync, mkdtempSync, openSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {modulesFolder} from "../../web/page/modules.mjs";
import {launch, player, recordStanding, standing} from "./lib/browser.mjs";
import {startCluster, startFakes} from "./lib/cluster.mjs";
import {lengthen, makeFilm, makeFormats} from "./lib/media.mjs";
import {bufferedAhead, media, put, seekTime, startTime} from "./lib/playing.mjs";
import {open, settled} from "./lib/steps.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const options = process.argv.slice(2);
const value = (name, otherwise) => {
  const at = options.indexOf(name);
  return at < 0 ? otherwise : options[at + 1];
};
const runs = Number(value("--runs", 10));
const parts = value("--only", "faults,buffer,slow,long,paused,hidden").split(",");
const chosen = value("--formats")?.split(",");
const isValue = (i) => options[i - 1]?.startsWith("--");
const given = options.find((each, i) => !each.startsWith("--") && !isValue(i));
const program = given ?? process.env.CHISME ?? join(root, "build/release/chisme");
const assets = process.env.CHISME_PAGE_ASSETS ?? join(root, "build/assets");
const modules = modulesFolder();
const folder = mkdtempSync(join(tmpdir(), "chisme-player-"));
const log = openSync(join(folder, "nodes.log"), "a");
const filmSeconds = 90;
const bufferedSeconds = 3;
const startLimit = 60_000; // ms; a browser may look through all of a fragmented film first
const jumpLimit = 40_000; // ms
const both = value("--ways", "sw,mse").split(",");
const formats = [
  ["index-first.mp4", both],
  ["index-last.mp4", both],
  ["fragmented.mp4", both],
  ["clip.webm", both],
  ["sound.mp3", both],
  ["clip.mkv", ["sw"]],
  ["clip.mov", ["sw"]],
]
  .filter(([name]) => !chosen || chosen.includes(name))
  .map(([name, ways]) => [name, ways.filter((way) => both.includes(way))]);

const columns = [
  "format",
  "way",
  "start",
  "killed: stands still",
  "hung: stands still",
  "jump",
  "buffered at the fault",
  "node changed",
];

function summary(list, unit = "ms") {
  if (list.length === 0) return "-";
  const sorted = [...list].sort((a, b) => a - b);
  return `${sorted[Math.floor((sorted.length - 1) / 2)]} / ${sorted.at(-1)} ${unit}`;
}

const failed = [];
async function attempt(what, run) {
  try {
    return await run();
  } catch (failure) {
    failed.push(`${what}: ${failure.message.split("\n")[0]}`);
    return undefined;
  }
}

const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

// Starts, plays with at least three seconds buffered, loses its node, goes on, jumps.
async function oneFault(the, name, way, fault) {
  const page = await open(the, the.cluster.nodes()[1], `?player=${way}`);
  let victim;
  try {
    const start = await startTime(page, name, startLimit);
    await bufferedAhead(page, bufferedSeconds);
    const {http} = await player(page);
    const {ahead} = await media(page);
    victim = the.cluster.nodes().find(({url}) => url === http);
    await recordStanding(page);
    await the.cluster[fault](victim);
    await page.waitForTimeout(fault === "kill" ? 5000 : 6000);
    const {ms} = await standing(page);
    const after = await player(page);
    const jump = () => seekTime(page, filmSeconds * 0.6, jumpLimit);
    const seek = await attempt(`${name} ${way}: jump`, jump);
    return {start, ahead, ms, seek, moved: after.http !== http};
  } finally {
    if (victim && fault === "hang") await the.cluster.resume(victim);
    if (victim && fault === "kill") await the.cluster.start(victim);
    await page.context().close();
  }
}

async function faults(the, note) {
  console.log(`\n${note}; median / worst of ${runs} runs for each fault\n`);
  row(...columns);
  row(...columns.map(() => "---"));
  for (const [name, ways] of formats) {
    for (const way of ways) {
      const got = {kill: [], hang: []};
      for (let i = 0; i < runs; ++i) {
        for (const fault of ["kill", "hang"]) {
          const one = await attempt(`${name} ${way} ${fault}`, () => oneFault(the, name, way, fault));
          if (one) got[fault].push(one);
          await attempt("settling", () => settled(the));
        }
      }
      const all = [...got.kill, ...got.hang];
      const ahead = all.map(({ahead}) => Number(ahead.toFixed(1)));
      row(
        name,
        way,
        summary(all.map(({start}) => start)),
        summary(got.kill.map(({ms}) => ms)),
        summary(got.hang.map(({ms}) => ms)),
        summary(all.map(({seek}) => seek).filter(Boolean)),
        ahead.length ? `${Math.min(...ahead)} to ${Math.max(...ahead)} s` : "-",
        `${all.filter(({moved}) => moved).length} of ${2 * runs}`,
      );
    }
  }
}

// Plays for so long; answers how far the film fell behind the clock and the longest stand-still.
async function steady(page, seconds) {
  const from = await media(page);
  const began = Date.now();
  await page.waitForTimeout(seconds * 1000);
  const to = await media(page);
  const behind = (Date.now() - began) / 1000 - (to.currentTime - from.currentTime);
  return {behind: Math.round(behind * 1000), switches: (await player(page)).switches};
}

async function long(the, name, way) {
  const page = await open(the, the.cluster.nodes()[0], `?player=${way}`);
  await startTime(page, name);
  await recordStanding(page);
  const {behind} = await steady(page, 320);
  const {ms} = await standing(page);
  row(`320 s of play, ${way}`, `behind the clock ${behind} ms`, `longest stand-still ${ms} ms`);
  await page.context().close();
}

async function paused(the, name, way) {
  const page = await open(the, the.cluster.nodes()[0], `?player=${way}`);
  await startTime(page, name);
  await page.evaluate(() => document.querySelector("video").pause());
  await page.waitForTimeout(75_000);
  const at = (await media(page)).currentTime;
  const began = Date.now();
  await page.evaluate(() => document.querySelector("video").play());
  while ((await media(page)).currentTime <= at) await page.waitForTimeout(5);
  const resumed = Date.now() - began;
  const seek = await seekTime(page, 70);
  row(`75 s of pause, ${way}`, `plays on after ${resumed} ms`, `then a jump takes ${seek} ms`);
  await page.context().close();
}

// A headless browser hides no tab: its timers and pictures are made as rare as in a hidden one.
async function hidden(the, name, way) {
  const page = await open(the, the.cluster.nodes()[0], `?player=${way}`);
  await startTime(page, name);
  await page.evaluate(() => {
    const [timeout, interval] = [setTimeout, setInterval];
    globalThis.setTimeout = (run, delay, ...rest) => timeout(run, Math.max(1000, delay), ...rest);
    globalThis.setInterval = (run, delay, ...rest) => interval(run, Math.max(1000, delay), ...rest);
    globalThis.requestAnimationFrame = () => 0;
    Object.defineProperty(document, "visibilityState", {value: "hidden"});
    document.dispatchEvent(new Event("visibilitychange"));
  });
  const before = await player(page);
  const victim = the.cluster.nodes().find(({url}) => url === before.http);
  await the.cluster.hang(victim);
  const {behind, switches} = await steady(page, 45);
  await the.cluster.resume(victim);
  const what = `45 s with the timers of a hidden tab, its node hung, ${way}`;
  row(what, `behind the clock ${behind} ms`, `changes of node ${switches}`);
  await page.context().close();
}

// From now on all bytes of the nodes together come at this rate.
function slowDown(bytesPerSecond) {
  const rate = ["rate", `${bytesPerSecond * 8}bit`, "burst", "16k", "latency", "300ms"];
  execFileSync("tc", ["qdisc", "replace", "dev", "lo", "root", "tbf", ...rate]);
}

const fullSpeed = () => execFileSync("tc", ["qdisc", "del", "dev", "lo", "root"]);

// A cluster with these files on all of its nodes, whose network `run` makes slow.
async function withSlowNodes(count, files, run) {
  const nodes = mkdtempSync(join(folder, "slow-"));
  // Copies that are made again would take the network from the player.
  const options = ["--repair-delay", "1h", "--copies", count];
  const cluster = await startCluster({program, count, folder: nodes, log, options});
  const browser = await launch(modules, chromium());
  const the = {cluster, browser, folder: nodes};
  try {
    for (const [name, path] of Object.entries(files)) await put(the, name, path);
    await settled(the);
    await run(the);
  } finally {
    await browser.close();
    await cluster.end();
    fullSpeed();
  }
}

// A node of 40 KiB/s that is the only one which answers: it goes on, and nobody is condemned for it.
async function slow() {
  const sound = makeFormats(join(folder, "film.mp4"), folder, ["sound.mp3"])["sound.mp3"];
  for (const way of both) {
    const fakes = mkdtempSync(join(folder, "slow-"));
    const cluster = await startFakes({count: 2, folder: fakes, assets, modules, rate: 40 * 1024, log});
    const browser = await launch(modules, chromium());
    const the = {cluster, browser, folder: fakes, fake: true};
    try {
      await put(the, "sound.mp3", sound);
      const page = await open(the, cluster.nodes()[0], `?player=${way}`);
      const start = await startTime(page, "sound.mp3", 60_000);
      const {behind, switches} = await steady(page, 60);
      const {received} = await player(page);
      const rate = `${Math.round(received / 1024)} KiB received`;
      const what = `60 s at 40 KiB/s (192 kbit/s sound), ${way}`;
      const figures = `start ${start} ms, behind the clock ${behind} ms`;
      row(what, figures, `changes of node ${switches}, ${rate}`);
      await page.context().close();
    } finally {
      await browser.close();
      await cluster.end();
    }
  }
}

// A network that is hardly faster than the film: what is buffered at the fault is all there is.
async function buffer(made) {
  const files = Object.fromEntries(formats.map(([name]) => [name, made[name]]));
  await withSlowNodes(3, files, async (the) => {
    slowDown(600_000);
    await faults(the, "Three nodes that send 600 kB/s together");
  });
}

// Does this part in a network of its own, which ends with it.
function inNetwork(part) {
  const up = "ip link set lo mtu 1500 up && exec \"$@\"";
  const args = process.argv.slice(1).filter((each, i, all) => each !== "--only" && all[i - 1] !== "--only");
  const command = [process.execPath, ...args, "--only", part];
  const env = {...process.env, CHISME_SLOW_NETWORK: "1"};
  const words = ["--net", "sh", "-c", up, "sh", ...command];
  const {status} = spawnSync("unshare", words, {stdio: "inherit", env});
  if (status !== 0) failed.push(`in a slow network: ${part}`);
}

const chromium = () => process.env.CHISME_CHROMIUM ?? "/usr/bin/chromium";

async function main() {
  const film = join(folder, "film.mp4");
  makeFilm(film, filmSeconds);
  const wanted = (part) => parts.includes(part);
  const made = makeFormats(film, folder, formats.map(([name]) => name));
  if (wanted("faults") || ["long", "paused", "hidden"].some(wanted)) {
    const cluster = await startCluster({program, count: 5, folder, log});
    const browser = await launch(modules, chromium());
    const the = {cluster, browser, folder};
    try {
      for (const [name] of formats) await put(the, name, made[name]);
      await settled(the);
      if (wanted("faults")) await faults(the, "Five nodes of one machine");
      await put(the, "long.mp4", lengthen(film, 4, join(folder, "long.mp4")));
      await settled(the);
      console.log();
      for (const way of both) {
        if (wanted("hidden")) await attempt("hidden", () => hidden(the, "long.mp4", way));
        if (wanted("paused")) await attempt("paused", () => paused(the, "long.mp4", way));
        if (wanted("long")) await attempt("long", () => long(the, "long.mp4", way));
      }
    } finally {
      await browser.close();
      await cluster.end();
    }
  }
  if (wanted("slow")) await attempt("slow", slow);
  if (wanted("buffer") && process.env.CHISME_SLOW_NETWORK) await buffer(made);
  else if (wanted("buffer")) inNetwork("buffer");
  rmSync(folder, {recursive: true, force: true});
  for (const each of failed) console.log(`failed: ${each}`);
  process.exit(failed.length ? 1 : 0);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
