// What is tried, in this order. Each scene reports its figures.
import {existsSync, readdirSync, rmSync} from "node:fs";
import {join} from "node:path";
import {accessScenes} from "./access_scenes.mjs";
import {player, recordStanding, standing} from "./browser.mjs";
import {until} from "./cluster.mjs";
import {clusterScenes} from "./cluster_scenes.mjs";
import {feedScenes} from "./feed_scenes.mjs";
import {httpsScenes} from "./https_scenes.mjs";
import {keyboardScenes} from "./keyboard_scenes.mjs";
import {libraryScenes} from "./library_scenes.mjs";
import {namesScenes} from "./names_scenes.mjs";
import {networkScenes} from "./network_scenes.mjs";
import {plainHostScenes} from "./plain_host_scenes.mjs";
import {playerScenes} from "./player_scenes.mjs";
import {servedScenes} from "./served_scenes.mjs";
import {
  complete,
  drop,
  mib,
  open,
  playsTo,
  problems,
  row,
  sentBytes,
  settled,
  shot,
  someFile,
  storedDigest,
  throttled,
} from "./steps.mjs";
import {trashScenes} from "./trash_scenes.mjs";
import {uploadScenes} from "./upload_scenes.mjs";

// A file chosen on one node's page, another one dropped there: both get all their copies.
async function store(the) {
  const [first] = the.cluster.nodes();
  const page = await open(the, first);
  await shot(the, page, "1-empty");
  await page.evaluate(() => {
    globalThis.seen = new Set();
    const look = () => {
      for (const each of document.querySelectorAll(".file")) {
        const {name, copies, wanted} = each.dataset;
        globalThis.seen.add(`${name} ${copies}/${wanted}`);
      }
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
    });
  });
  const began = Date.now();
  await page.setInputFiles("input[type=file]", the.film.path);
  await page.waitForSelector('[data-upload="film.mp4"][data-state=done]', {timeout: 30_000});
  the.report("a chosen file is stored", `${Date.now() - began} ms`, "< 30 s", true);
  await complete(page, "film.mp4", 20_000);
  the.report("the list shows every wanted copy", `${Date.now() - began} ms`, "< 20 s", true);
  const seen = await page.evaluate(() =>
    [...globalThis.seen].filter((each) => each.startsWith("film")),
  );
  the.report(
    "copies shown on the way",
    seen.map((each) => each.split(" ")[1]).join(" "),
    "",
    seen.some((each) => /[3-9].3$/.test(each)),
  );
  await drop(page, "notes.txt", "dropped on the page\n");
  await page.waitForSelector(row("notes.txt"), {timeout: 15_000});
  the.report("a dropped file is stored", "yes", "", true);
  await shot(the, page, "2-stored");
  const served = await (await fetch(first.url + "/files/notes.txt")).text();
  the.report(
    "a dropped file has its bytes",
    served.length,
    "20",
    served === "dropped on the page\n",
  );
  problems(the, page, "storing");
  await page.context().close();
}

const swKilled = (the) => failover(the, "sw", "kill", 500);
const swHung = (the) => failover(the, "sw", "hang", 2000);
const mseKilled = (the) => failover(the, "mse", "kill", 500);
const mseHung = (the) => failover(the, "mse", "hang", 2000);

// Plays on another node's page; the serving node is killed or hung in the middle.
async function failover(the, way, fault, bound) {
  const label = `${way}, serving node ${fault === "kill" ? "killed" : "hung"}`;
  const page = await open(the, the.cluster.nodes()[1], `?player=${way}`);
  let victim;
  try {
    await page.click(`${row("film.mp4")} .play`);
    const began = Date.now();
    await playsTo(page, 0.3, 15_000, `${label}: plays`);
    const start = await player(page);
    the.report(`${label}: first picture`, `${Date.now() - began} ms`, "< 15 s", true);
    the.report(
      `${label}: plays while bytes come`,
      `${mib(start.received)}`,
      `of ${mib(the.film.size)}`,
      start.received < the.film.size,
    );
    await playsTo(page, 5, 15_000, `${label}: five seconds`);
    if (way === "sw" && fault === "kill") await shot(the, page, "3-playing");
    const before = await player(page);
    victim = the.cluster.nodes().find((node) => node.url === before.http);
    await recordStanding(page);
    await the.cluster[fault](victim);
    await page.waitForTimeout(10_000);
    const after = await player(page);
    const stood = await standing(page);
    the.report(
      `${label}: longest stand-still`,
      `${stood.ms} ms`,
      `<= ${bound} ms`,
      stood.ms <= bound,
    );
    const moved = after.switches > before.switches && after.http !== before.http;
    const how = `${moved ? "yes" : "no"}, at ${mib(before.received)}`;
    the.report(
      `${label}: changed holder, bytes still to come`,
      how,
      "",
      moved && before.received < the.film.size,
    );
    const marks = await page.locator(".played-bar .switch").count();
    const told = await page.locator(".player ol.for-readers li").count();
    const marked = marks === after.switches && told === marks;
    the.report(`${label}: the bar is marked where it changed`, marks, "", marked);
    const fresh = after.received - before.received;
    the.report(`${label}: bytes from the new holder`, mib(fresh), "> 0.5 MiB", fresh > 524_288);
    the.report(
      `${label}: plays on`,
      `${(after.time - before.time).toFixed(1)} s`,
      "> 8 s",
      after.time - before.time > 8 && !after.problem,
    );
    if (way === "sw") await shot(the, page, `4-after-${fault}`);
    problems(the, page, label);
  } finally {
    if (victim && fault === "hang") await the.cluster.resume(victim);
    if (victim && fault === "kill") await the.cluster.start(victim);
    await page.context().close();
  }
  await settled(the);
}

// Jumps near the end and back, both ways: the film has its moov box at the end.
async function seeking(the) {
  for (const way of ["sw", "mse"]) {
    const page = await open(the, the.cluster.nodes()[0], `?player=${way}`);
    await page.click(`${row("film.mp4")} .play`);
    await playsTo(page, 0.3, 15_000, "plays");
    for (const to of [70, 10]) {
      const began = Date.now();
      await page.evaluate((time) => (document.querySelector("video").currentTime = time), to);
      await until(10_000, `${way}: plays at ${to} s`, async () => {
        const now = await player(page);
        return now.time > to + 0.3 && now.time < to + 12;
      });
      the.report(
        `${way}: plays after a jump to ${to} s`,
        `${Date.now() - began} ms`,
        "< 10 s",
        true,
      );
    }
    await page.evaluate((time) => (document.querySelector("video").currentTime = time), 87);
    const ended = () => page.evaluate(() => document.querySelector("video").ended);
    await until(10_000, `${way}: ends`, ended);
    the.report(`${way}: comes to its end`, "yes", "", true);
    await page.context().close();
  }
}

const acknowledged = 8 << 20; // the page's chunks: the first one is safe once more was sent

// An upload is held up and goes on; its node dies, and it goes on at another one from what is safe.
async function uploadMoves(the) {
  const name = "moves.bin";
  const file = someFile(the, name, 32_000_000);
  const node = the.cluster.nodes()[2];
  const page = await open(the, node);
  await page.waitForTimeout(1500); // the page learns the other nodes
  await throttled(page, 4_000_000);
  await page.setInputFiles("input[type=file]", file.path);
  const row = `[data-upload="${name}"]`;
  await until(10_000, "a first chunk is safe", async () => {
    return (await sentBytes(page, name)) > acknowledged + 2_000_000;
  });
  await page.click(`${row} .pause`);
  await page.waitForSelector(`${row}[data-state=paused]`);
  const before = await sentBytes(page, name);
  await page.waitForTimeout(700);
  const held = (await sentBytes(page, name)) === before;
  the.report("a paused upload stands still", held ? "yes" : "no", "", held);
  await page.click(`${row} .resume`);
  await until(10_000, "more is sent", async () => (await sentBytes(page, name)) > before);
  await the.cluster.kill(node);
  const began = Date.now();
  let least = Infinity;
  let said = false;
  try {
    await until(40_000, "it is stored", async () => {
      const [state, sent] = [await page.getAttribute(row, "data-state"), await sentBytes(page, name)];
      if (state === "sending") least = Math.min(least, sent);
      said ||= /moved to 127.0.0.1:\d+, continuing/.test(await page.textContent(row));
      return state === "done";
    });
    await shot(the, page, "5-upload-moved");
    const took = Date.now() - began;
    the.report("an upload goes on when its node is killed", `${took} ms`, "< 40 s", true);
    the.report("from what is safe already", mib(least), "> 8 MiB", least >= acknowledged);
    the.report("and says where it goes on", said ? "yes" : "no", "", said);
    const whole = (await storedDigest(the, name)) === file.sha256;
    the.report("and is stored whole", whole ? "yes" : "no", "", whole);
    await complete(page, name, 30_000);
    the.report("and gets its copies", `${Date.now() - began} ms`, "< 70 s", true);
  } finally {
    await the.cluster.start(node);
    await page.context().close();
  }
  await settled(the);
}

// The page's node dies and the page is loaded again: the same file, chosen again, goes on elsewhere.
async function uploadReloaded(the) {
  const name = "again.bin";
  const file = someFile(the, name, 24_000_000);
  const node = the.cluster.nodes()[1];
  const page = await open(the, node);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.waitForTimeout(1500); // the page learns the other nodes
  await throttled(page, 4_000_000);
  await page.setInputFiles("input[type=file]", file.path);
  await until(10_000, "a first chunk is safe", async () => {
    return (await sentBytes(page, name)) > acknowledged + 2_000_000;
  });
  await the.cluster.kill(node);
  try {
    page.on("dialog", (dialog) => void dialog.accept()); // it warns that uploads are running
    await page.reload({timeout: 15_000});
    await page.waitForSelector("[data-connected^=http]", {timeout: 15_000});
    const told = await page.textContent(".unfinished");
    const tells = told.includes(name);
    the.report("a reloaded page tells what is not finished", tells ? "yes" : "no", "", tells);
    await page.setInputFiles("input[type=file]", file.path);
    const first = await until(15_000, "it is sent", () => sentBytes(page, name));
    the.report("the file, chosen again, goes on", mib(first), "> 8 MiB", first >= acknowledged);
    await page.waitForSelector(`[data-upload="${name}"][data-state=done]`, {timeout: 30_000});
    const whole = (await storedDigest(the, name)) === file.sha256;
    the.report("and is stored whole at another node", whole ? "yes" : "no", "", whole);
    await page.setInputFiles("input[type=file]", someFile(the, "never.bin", 24_000_000).path);
    await page.waitForSelector('[data-upload="never.bin"][data-state=sending]');
    await page.click('[data-upload="never.bin"] .cancel');
    await page.waitForSelector('[data-upload="never.bin"][data-state=cancelled]');
    const kept = await page.evaluate(() =>
      Object.keys(localStorage).filter((key) => key.includes("never.bin")),
    );
    the.report("a cancelled upload is forgotten", kept.length, "0", kept.length === 0);
  } finally {
    await the.cluster.start(node);
    await page.context().close();
  }
  await settled(the);
}

// The last way, a plain <video src>: its node is killed and another one goes on.
async function plainKilled(the) {
  const node = the.cluster.nodes()[4] ?? the.cluster.nodes()[2];
  const page = await open(the, node, "?player=plain");
  await page.waitForTimeout(1500); // the page learns the other nodes
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 2, 15_000, "plays");
  const before = await player(page);
  const victim = the.cluster.nodes().find(({url}) => url === before.http);
  await the.cluster.kill(victim);
  try {
    const goal = before.time + 40;
    await page.evaluate((time) => (document.querySelector("video").currentTime = time), goal);
    const began = Date.now();
    await playsTo(page, goal + 1, 20_000, "plays on");
    the.report(
      "plain, its node killed: plays what was not there yet",
      `${Date.now() - began} ms`,
      "< 20 s",
      (await player(page)).http !== before.http,
    );
  } finally {
    await the.cluster.start(victim);
    await page.context().close();
  }
  await settled(the);
}

const pageKilled = (the) => pageGoesOn(the, "kill");
const pageHung = (the) => pageGoesOn(the, "hang");

// The node that the page came from dies: lists, uploads and playing go on, also after a reload.
async function pageGoesOn(the, fault) {
  const node = the.cluster.nodes()[3] ?? the.cluster.nodes()[0];
  const page = await open(the, node);
  const label = `the page's own node ${fault === "kill" ? "killed" : "hung"}`;
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await the.cluster[fault](node);
  try {
    const began = Date.now();
    await page.waitForFunction(
      (gone) => {
        const at = document.querySelector("[data-connected]")?.dataset.connected;
        return at && at !== gone;
      },
      node.url,
      {timeout: 15_000},
    );
    the.report(`${label}: list live again`, `${Date.now() - began} ms`, "< 15 s", true);
    await shot(the, page, `6-own-${fault}`);
    await drop(page, `after-${fault}.txt`, "still here\n");
    await page.waitForSelector(row(`after-${fault}.txt`), {timeout: 20_000});
    the.report(`${label}: uploads go on`, "yes", "", true);
    const reloaded = Date.now();
    await page.reload({timeout: 15_000});
    await page.fill("input[type=search]", "film.mp4", {timeout: 15_000}); // it may be out of view
    await page.waitForSelector(row("film.mp4"), {timeout: 15_000});
    the.report(`${label}: reloaded, list there`, `${Date.now() - reloaded} ms`, "< 15 s", true);
    await page.click(`${row("film.mp4")} .play`);
    await playsTo(page, 1, 15_000, "plays after the reload");
    const {way} = await player(page);
    the.report(`${label}: reloaded, plays`, way, "sw", way === "sw");
    problems(the, page, label);
  } finally {
    await (fault === "kill" ? the.cluster.start(node) : the.cluster.resume(node));
    await page.context().close();
  }
  await settled(the);
}

// How it looks: small, dark, in Spanish; and a name that says nothing about its type is no problem.
async function looks(the) {
  const [first] = the.cluster.nodes();
  const small = {viewport: {width: 360, height: 740}, colorScheme: "dark", locale: "es-ES"};
  const page = await open(the, first, "", small);
  await page.waitForSelector(".file"); // of a long list only the rows in view are there
  await shot(the, page, "7-small-dark");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  the.report("nothing is wider than 360 px", wide, "<= 360", wide <= 360);
  const title = await page.textContent("h2");
  the.report(
    "speaks Spanish",
    title.trim().split(/\s/)[0],
    "Archivos",
    title.startsWith("Archivos"),
  );
  await page.fill("input[type=search]", "film");
  await page.waitForSelector(row("film.mp4"));
  const found = await page.locator(".file").count();
  the.report("the search narrows the list", found, "1", found === 1);
  await page.context().close();
  const light = await open(the, first, "", {viewport: {width: 1100, height: 900}});
  await light.waitForSelector(".file");
  await shot(the, light, "8-wide");
  await light.fill("input[type=search]", "notes");
  await light.click(`${row("notes.txt")} .delete`);
  await light.waitForSelector(row("notes.txt"), {state: "detached", timeout: 20_000});
  the.report("a deleted file leaves the list", "yes", "", true);
  await light.context().close();
}

// All copies of a file are deleted from the disks: the page tells of it until the file is removed.
async function lostFile(the) {
  if (the.fake) return;
  const [first] = the.cluster.nodes();
  const page = await open(the, first);
  await drop(page, "gone.txt", "nobody will have it\n");
  await complete(page, "gone.txt", 20_000);
  the.report("no file is called lost", "", "", (await page.locator(problem("lost")).count()) === 0);
  const {sha256} = await (await fetch(first.url + "/route?file=gone.txt")).json();
  for (const node of readdirSync(join(the.folder, "data"))) {
    const folder = join(the.folder, "data", node, "objects", sha256.slice(0, 2));
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) if (name.startsWith(sha256)) rmSync(join(folder, name));
  }
  for (const {url} of the.cluster.nodes()) await fetch(url + "/files/gone.txt?via=proxy");
  await page.waitForSelector(problem("lost"), {timeout: 20_000});
  await shot(the, page, "9-lost");
  await page.click(`${row("gone.txt")} .delete`);
  await page.waitForSelector(problem("lost"), {state: "detached", timeout: 20_000});
  the.report("a lost file is told of until it is deleted", "yes", "", true);
  await page.context().close();
}

// What a node with a failed disk says of itself (tests/end_to_end/fence_test.py) is shown.
async function failedDisk(the) {
  const [first] = the.cluster.nodes();
  const context = await the.browser.newContext();
  const page = await context.newPage();
  await page.routeWebSocket(/\/ws\/cluster/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const message = JSON.parse(text);
      if (message.cluster) message.cluster.fenced = "syncing /data/objects/ab: Input/output error";
      socket.send(JSON.stringify(message));
    });
  });
  await page.goto(first.url + "/");
  await page.waitForSelector(problem("fenced"), {timeout: 15_000});
  const told = await page.textContent(problem("fenced"));
  the.report("a failed disk is told of", "", "", told.includes("/data/objects/ab"));
  await context.close();
}

const problem = (kind) => `[data-problem="${kind}"]`;

export const scenes = {
  store,
  swKilled,
  swHung,
  mseKilled,
  mseHung,
  seeking,
  ...playerScenes,
  plainKilled,
  uploadMoves,
  uploadReloaded,
  ...uploadScenes,
  ...trashScenes,
  pageKilled,
  pageHung,
  looks,
  lostFile,
  failedDisk,
  ...libraryScenes,
  ...clusterScenes,
  ...feedScenes,
  ...plainHostScenes,
  ...httpsScenes,
  ...keyboardScenes,
  ...servedScenes,
  ...namesScenes,
  ...networkScenes,
  ...accessScenes,
};
