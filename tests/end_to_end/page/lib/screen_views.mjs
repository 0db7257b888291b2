// Each view of the page as people meet it, in the order in which it comes about.
import {randomBytes} from "node:crypto";
import {statSync, unlinkSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {player} from "./browser.mjs";
import {until} from "./cluster.mjs";
import {startGuarded} from "./guarded.mjs";
import {ffmpeg} from "./media.mjs";
import {film, makeFiles, picture, putFiles, text} from "./screen_files.mjs";
import {closeDialog, drop, open, playsTo, row, sentBytes, settled, throttled} from "./steps.mjs";

const wide = {width: 1280, height: 860};
const small = {width: 360, height: 740};
const heights = {1280: 1180, 360: 1250}; // of what is kept of a longer view
const bytesMost = 80_000;

// One view, wide and small: the small one in the other colours and, if asked, in Spanish.
async function both(the, page, name, {dark = false, spanish = false, whole = true} = {}) {
  await page.emulateMedia({colorScheme: dark ? "dark" : "light"});
  await taken(the, page, name, wide, whole);
  await page.emulateMedia({colorScheme: dark ? "light" : "dark"});
  if (spanish) await page.evaluate(() => document.querySelector(".language").click());
  await taken(the, page, `${name}-small`, small, whole);
  await page.emulateMedia({colorScheme: "light"});
  if (spanish) await page.evaluate(() => document.querySelector(".language").click());
  await page.setViewportSize(wide);
}

async function taken(the, page, name, size, whole) {
  await page.setViewportSize(size);
  await page.waitForSelector(".notice", {state: "detached"});
  await page.waitForTimeout(700);
  const height = whole ? await page.evaluate(() => document.documentElement.scrollHeight) : size.height;
  const most = the.whole ? height : Math.min(height, heights[size.width]);
  const clip = {x: 0, y: 0, width: size.width, height: most};
  const path = join(the.out, `${name}.png`);
  const full = join(the.folder, "full.png");
  await page.screenshot(whole ? {path: full, clip, fullPage: true} : {path: full});
  const palette = "split[a][b];[a]palettegen=max_colors=96[c];[b][c]paletteuse=dither=none";
  ffmpeg(["-i", full, "-vf", palette, "-y", path]);
  if (statSync(path).size > bytesMost) {
    unlinkSync(path);
    ffmpeg(["-i", full, "-q:v", 12, "-pix_fmt", "yuvj420p", "-y", path.replace("png", "jpg")]);
  }
  console.log(name);
}

async function empty(the) {
  const page = await open(the, the.cluster.nodes()[0]);
  await both(the, page, "empty", {spanish: true});
  await page.context().close();
}

async function files(the) {
  await putFiles(the, makeFiles(join(the.folder, "made")));
  await settled(the);
  const page = await open(the, the.cluster.nodes()[0]);
  await page.waitForSelector(row(film));
  await both(the, page, "files", {spanish: true});
  await page.click(`${row(text)} [data-act=tick]`);
  await page.click(`${row("budget 2027.csv")} [data-act=tick]`);
  await both(the, page, "files-ticked", {dark: true});
  await page.context().close();
}
files.needed = true;

async function dialogs(the) {
  const page = await open(the, the.cluster.nodes()[1]);
  for (const [name, file, button, ready] of [
    ["image", picture, "preview", "img"],
    ["text", text, "preview", "pre"],
    ["link", film, "link", ".qr path[d]"],
  ]) {
    await page.click(`${row(file)} .${button}`);
    await page.waitForSelector(`.modal ${ready}`, {state: "attached"});
    await both(the, page, name, {dark: name === "image", spanish: name !== "image", whole: false});
    await closeDialog(page);
  }
  await drop(page, "letter to the landlord.txt", "Dear Ms. Ortega,\n");
  await page.waitForSelector(".conflict-dialog");
  await both(the, page, "conflict", {spanish: true, whole: false});
  await page.click(".conflict-dialog .skip");
  await page.click(`${row("budget 2027.csv")} .delete`);
  await page.waitForSelector(".undo");
  await both(the, page, "undo", {whole: false});
  await page.context().close();
}

// A film that plays; then its node is lost.
async function playing(the) {
  const page = await open(the, the.cluster.nodes()[1]);
  await page.click(`${row(film)} .play`);
  await playsTo(page, 5, 20_000, "plays");
  await both(the, page, "player", {dark: true});
  const {http} = await player(page);
  const victim = the.cluster.nodes().find(({url}) => url === http);
  await the.cluster.kill(victim);
  await until(30_000, "it goes on elsewhere", async () => (await player(page)).switches > 0);
  await page.waitForTimeout(2000);
  await both(the, page, "player-lost", {spanish: true});
  await the.cluster.start(victim);
  await page.context().close();
  await settled(the);
}

// In mid-queue, one of them moved to another node.
async function uploads(the) {
  const node = the.cluster.nodes()[2];
  const page = await open(the, node);
  await page.waitForTimeout(1500); // the page learns the other nodes
  const make = (name, size) => {
    const path = join(the.folder, name);
    writeFileSync(path, randomBytes(size));
    return path;
  };
  await page.setInputFiles("input[type=file]", [make("horario.txt", 900), make("logo.png", 30_000)]);
  await page.waitForSelector('[data-upload="logo.png"][data-state=done]');
  await throttled(page, 5_000_000);
  await page.setInputFiles("input[type=file]", [
    make("Concierto en el patio, cámara 1.mp4", 60_000_000),
    make("field recordings (autumn).zip", 40_000_000),
    make("IMG_20261018_174502.jpg", 4_000_000),
    make("master thesis, everything.tar", 30_000_000),
  ]);
  const moving = "Concierto en el patio, cámara 1.mp4";
  await until(20_000, "more is sent", async () => (await sentBytes(page, moving)) > 9_000_000);
  await page.click('[data-upload="field recordings (autumn).zip"] .pause');
  await the.cluster.kill(node);
  await page.waitForSelector(`[data-upload="${moving}"]:has-text("continuing")`, {timeout: 20_000});
  await page.waitForTimeout(2000);
  await both(the, page, "uploads", {spanish: true});
  await page.context().close();
  await the.cluster.start(node);
  await settled(the);
}

async function cluster(the) {
  const nodes = the.cluster.nodes();
  const page = await open(the, nodes[0], "#cluster");
  await page.waitForSelector(".chart canvas");
  const busy = setInterval(() => {
    const {url} = nodes[Math.floor(Math.random() * nodes.length)];
    fetch(`${url}/files/${encodeURIComponent(picture)}`).then((got) => got.arrayBuffer()).catch(() => undefined);
  }, 60);
  await page.waitForTimeout(8000);
  await both(the, page, "cluster", {spanish: true});
  const victim = nodes[3];
  await page.click(`tr:has-text("${victim.url.replace("http://", "")}") .choose`);
  await the.cluster.kill(victim);
  await page.waitForSelector('[data-story=death]:has-text("is dead")', {timeout: 20_000});
  await page.waitForTimeout(1500);
  await both(the, page, "death", {dark: true});
  clearInterval(busy);
  await the.cluster.start(victim);
  await page.context().close();
  await settled(the);
}

async function nobody(the) {
  const nodes = the.cluster.nodes();
  const page = await open(the, nodes[0]);
  await page.waitForTimeout(2000); // the page learns the other nodes
  for (const node of nodes) await the.cluster.hang(node);
  try {
    await page.waitForSelector('[data-problem="outage"]', {timeout: 40_000});
    await both(the, page, "nobody", {spanish: true, whole: false});
  } finally {
    for (const node of nodes) await the.cluster.resume(node);
    await page.context().close();
  }
}

// A cluster of its own that asks for tokens.
async function access(the) {
  const own = await startGuarded(the, 2);
  try {
    await own.put(text, "# Mole negro\n");
    const [node] = own.cluster.nodes();
    const context = await the.browser.newContext();
    const page = await context.newPage();
    await page.goto(node.url + "/");
    await page.waitForSelector('[data-problem="locked"]');
    await both(the, page, "locked", {spanish: true, whole: false});
    await page.click(".give-token");
    await page.fill(".access-dialog .token", own.token("write"));
    await both(the, page, "token", {dark: true, spanish: true, whole: false});
    await page.click(".access-dialog .use");
    await page.click(`${row(text)} .link`);
    await page.fill(".make-share .count", "3");
    await page.click(".make-share .make");
    await page.waitForSelector(".share-dialog [data-share]");
    await both(the, page, "share-link", {spanish: true, whole: false});
    await context.close();
  } finally {
    await own.cluster.end();
  }
}

export const views = {empty, files, dialogs, playing, uploads, cluster, nobody, access};
