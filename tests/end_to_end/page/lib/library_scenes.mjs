// The list of files and the uploads, as a person meets them.
import {mkdirSync, mkdtempSync, openSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {modulesFolder} from "../../../web/page/modules.mjs";
import {audit} from "./audit.mjs";
import {startFakes, until} from "./cluster.mjs";
import {closeDialog, drop, open, problems, row, shot, watchProblems} from "./steps.mjs";

const total = (page) => page.getAttribute(".library", "data-total");
const known = (page) => page.locator(".file[data-name]");

// Fake nodes of its own with 50 000 files: only what is looked at is in the document.
async function manyFiles(the) {
  const assets = process.env.CHISME_PAGE_ASSETS;
  if (!assets) return;
  const folder = mkdtempSync(join(the.folder, "many-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const own = {count: 2, folder, assets, modules: modulesFolder(), rate: 0, log};
  const cluster = await startFakes({...own, more: {FAKE_MANY: "50000"}});
  try {
    const options = {viewport: {width: 1280, height: 900}};
    const context = await the.browser.newContext(options);
    const page = await context.newPage();
    watchProblems(page);
    await page.goto(cluster.nodes()[0].url + "/");
    await known(page).first().waitFor();
    const ms = await page.evaluate(() => Math.round(performance.now()));
    the.report("50 000 files: first rows", `${ms} ms`, "< 8 s", ms < 8000);
    the.report("all are in the list", await total(page), "50000", (await total(page)) === "50000");
    await scrolled(the, page);
    await heldStill(the, page);
    await searched(the, page);
    await keyboard(the, page);
    await selectedAll(the, page);
    problems(the, page, "50 000 files are listed");
    await context.close();
  } finally {
    await cluster.end();
  }
}

// Scrolls through all of it, frame by frame.
async function scrolled(the, page) {
  const frames = await page.evaluate(async () => {
    const port = document.querySelector(".port");
    const times = [];
    let nodes = 0;
    let last = performance.now();
    for (let i = 0; i < 240; ++i) {
      port.scrollTop += i % 40 === 39 ? 300_000 : 240;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = performance.now();
      times.push(now - last);
      last = now;
      nodes = Math.max(nodes, document.querySelectorAll(".library *").length);
    }
    times.sort((a, b) => a - b);
    return {median: times[120], worst: times.at(-5), nodes};
  });
  const told = `${frames.median.toFixed(1)} / ${frames.worst.toFixed(1)} ms`;
  the.report("scrolling: frames, median and 98 %", told, "< 100 ms", frames.median < 100);
  the.report("elements in the list", frames.nodes, "< 1000", frames.nodes < 1000);
  await page.waitForFunction(() => !document.querySelector(".blank"), undefined, {timeout: 5000});
  the.report("rows come wherever one scrolls to", "yes", "", true);
  await shot(the, page, "l1-many");
}

// What is looked at stays where it is while files come and go above it.
async function heldStill(the, page) {
  await page.evaluate(() => (document.querySelector(".port").scrollTop = 120_000));
  await page.waitForFunction(() => !document.querySelector(".blank"));
  await page.waitForTimeout(300);
  const before = await topmost(page);
  await drop(page, "come.txt", "new");
  await page.waitForFunction(() => document.querySelector(".library")?.dataset.total === "50001");
  await page.waitForTimeout(1000);
  const after = await topmost(page);
  const same = after.name === before.name && after.scrolled === before.scrolled + 60;
  the.report("a new file above moves nothing that is seen", after.name.slice(-10), "", same);
  await page.fill("input[type=search]", "come.txt");
  await page.click(`${row("come.txt")} .delete`);
  await page.waitForFunction(() => !document.querySelector(".undo"), undefined, {timeout: 15_000});
  await page.fill("input[type=search]", "");
  await page.waitForFunction(() => document.querySelector(".library")?.dataset.total === "50000");
}

const topmost = (page) =>
  page.evaluate(() => {
    const port = document.querySelector(".port");
    const top = port.getBoundingClientRect().top;
    const all = [...document.querySelectorAll(".file")];
    const first = all.find((each) => each.getBoundingClientRect().bottom > top + 1);
    return {name: first.dataset.name, scrolled: port.scrollTop};
  });

async function searched(the, page) {
  await page.selectOption(".bar select", "name false");
  await page.waitForFunction(() => document.querySelector('[data-index="0"]')?.dataset.name?.includes("holiday in the mountains with everybody 000000"));
  const top = await page.evaluate(() => document.querySelector(".port").scrollTop);
  the.report("another order begins at the top", top, "0", top === 0);
  await page.fill("input[type=search]", "HOLIDAY 0007 png");
  await page.waitForFunction(() => Number(document.querySelector(".library")?.dataset.total) < 50);
  const names = await known(page).evaluateAll((list) => list.map((each) => each.dataset.name));
  const right = names.length > 0 && names.every((name) => /holiday.*0007.*png/.test(name));
  the.report("the search finds each word, in all files", names.length, "> 0", right);
  await page.fill("input[type=search]", "");
  await page.waitForFunction(() => document.querySelector(".library")?.dataset.total === "50000");
}

// From the keyboard: the last row, the one before it, and space ticks it.
async function keyboard(the, page) {
  await page.focus('[data-index="0"] [data-act=tick]');
  await page.keyboard.press("End");
  const at = (index) =>
    page.waitForFunction((wanted) => document.activeElement.closest("[data-index]")?.dataset.index === wanted, index, {timeout: 5000});
  await at("49999");
  await page.keyboard.press("ArrowUp");
  await at("49998");
  await page.keyboard.press("Space");
  const told = await page.textContent(".tick.all");
  the.report("arrows, End and space work in the list", told.trim(), "1 selected", /^1 /.test(told));
  await page.keyboard.press("Home");
  await at("0");
  const place = await page.evaluate(() => {
    const {ariaSetSize, ariaPosInSet} = document.activeElement.closest("li");
    return `${ariaPosInSet} of ${ariaSetSize}`;
  });
  the.report("rows tell their place", place, "1 of 50000", place === "1 of 50000");
}

// All of them are ticked, deleted and undone.
async function selectedAll(the, page) {
  const began = Date.now();
  await page.click(".tick.all input");
  await page.waitForFunction(() => /50,000|50000/.test(document.querySelector(".tick.all")?.textContent), undefined, {timeout: 30_000});
  the.report("all 50 000 are ticked", `${Date.now() - began} ms`, "< 30 s", true);
  await page.click(".delete-selected");
  await page.waitForFunction(() => document.querySelectorAll(".file").length === 0, undefined, {timeout: 3000});
  the.report("and gone at once when deleted", "yes", "", true);
  await page.click(".undo button");
  await known(page).first().waitFor();
  the.report("and back when undone", await total(page), "50000", (await total(page)) === "50000");
}

const done = (page, name) =>
  page.waitForSelector(`[data-upload="${name}"][data-state=done]`, {timeout: 30_000});
const stored = async (the, name) =>
  (await fetch(`${the.cluster.nodes()[0].url}/files/${encodeURIComponent(name)}`)).text();
const there = (page, name) => page.locator(row(name)).count();

// A taken name: kept beside the other one, replaced, skipped.
async function conflicts(the) {
  const page = await open(the, the.cluster.nodes()[0]);
  await drop(page, "letter.txt", "first");
  await page.waitForSelector(row("letter.txt"), {timeout: 15_000});
  await page.click(".uploads ~ .muted, .card-head button");
  await drop(page, "letter.txt", "second");
  await page.waitForSelector(".conflict-dialog");
  await shot(the, page, "l2-conflict");
  await audit(the, page, "a question about a name");
  await page.click(".conflict-dialog .both");
  await page.waitForSelector(row("letter (2).txt"), {timeout: 15_000});
  const both = [await stored(the, "letter.txt"), await stored(the, "letter (2).txt")].join();
  the.report("a taken name: both are kept", both, "", both === "first,second");
  await drop(page, "letter.txt", "third one");
  await page.click(".conflict-dialog .replace");
  await done(page, "letter.txt");
  await until(10_000, "it is replaced", async () => (await stored(the, "letter.txt")) === "third one");
  the.report("a taken name: replaced", "yes", "", true);
  await drop(page, "letter.txt", "fourth");
  await page.click(".conflict-dialog .skip");
  await page.waitForTimeout(500);
  const text = await stored(the, "letter.txt");
  the.report("a taken name: skipped", text, "third one", text === "third one");
  problems(the, page, "names are taken");
  await page.context().close();
}

// A whole folder, and a file that is too large for the cluster.
async function folderAndLimit(the) {
  const folder = join(the.folder, "trip");
  mkdirSync(join(folder, "day 1"), {recursive: true});
  for (const name of ["map.txt", "day 1/plan.txt"]) writeFileSync(join(folder, name), name);
  const page = await open(the, the.cluster.nodes()[0]);
  await page.setInputFiles("input[webkitdirectory]", folder);
  await page.waitForSelector(row("trip/day 1/plan.txt"), {timeout: 15_000});
  the.report("a folder is stored with its paths", await there(page, "trip/map.txt"), "1", true);
  await limited(page, 1000);
  await page.waitForFunction(() => /1\skB/.test(document.querySelector(".limits")?.textContent));
  await drop(page, "large.txt", "x".repeat(2000));
  const told = await page.textContent('[data-upload="large.txt"][data-state=refused] .problem');
  the.report("a file that is too large is refused at once", told.slice(0, 11), "", /2\skB.*1\skB/.test(told));
  await shot(the, page, "l3-refused");
  await page.context().close();
}

// The page is loaded again, and told of a limit.
async function limited(page, bytes) {
  await page.routeWebSocket(/\/ws\/cluster/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const message = JSON.parse(text);
      if (message.cluster) message.cluster.max_file_size = bytes;
      socket.send(JSON.stringify(message));
    });
  });
  await page.reload();
}

// Deleted files come back when one undoes it, go when one does not, and go when the page is left.
async function deletions(the) {
  const page = await open(the, the.cluster.nodes()[0]);
  const names = ["d1.txt", "d2.txt", "d3.txt", "d4.txt"];
  for (const name of names) await drop(page, name, name);
  for (const name of names) await page.waitForSelector(row(name), {timeout: 15_000});
  await page.fill("input[type=search]", "d txt");
  await page.selectOption(".bar select", "name false");
  await page.click(`${row("d1.txt")} [data-act=tick]`);
  await page.click(`${row("d3.txt")} [data-act=tick]`, {modifiers: ["Shift"]});
  await page.waitForFunction(() => /^3/.test(document.querySelector(".tick.all span")?.textContent));
  the.report("shift ticks a range", "3", "3", true);
  await shot(the, page, "l4-ticked");
  await page.click(".delete-selected");
  const gone = (await there(page, "d1.txt")) + (await there(page, "d3.txt"));
  the.report("deleted rows go at once", gone, "0", gone === 0);
  await shot(the, page, "l5-undo");
  await page.click(".undo button");
  await page.waitForSelector(row("d2.txt"));
  await page.waitForTimeout(9000);
  const kept = await stored(the, "d1.txt");
  the.report("undone: the files are kept", kept, "d1.txt", kept === "d1.txt");
  await page.click(`${row("d1.txt")} .delete`);
  await until(12_000, "it is deleted", async () => (await status(the, "d1.txt")) === 404);
  the.report("not undone: deleted after a while", "yes", "", true);
  await page.click(`${row("d2.txt")} .delete`);
  await page.goto("about:blank");
  await until(5000, "it is deleted", async () => (await status(the, "d2.txt")) === 404);
  the.report("deleted at once when the page is left", "yes", "", true);
  await page.context().close();
}

const status = async (the, name) =>
  (await fetch(`${the.cluster.nodes()[0].url}/files/${name}`)).status;

// A look at a text and an image, and the link with its QR code.
async function looksInside(the) {
  const options = {permissions: ["clipboard-read", "clipboard-write"]};
  const page = await open(the, the.cluster.nodes()[0], "", options);
  await drop(page, "poem.txt", "ñandú\n".repeat(60_000));
  const picture = join(the.folder, "dot.png");
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  writeFileSync(picture, Buffer.from(png, "base64"));
  await page.setInputFiles("input[type=file]", picture);
  await page.waitForSelector(row("dot.png"), {timeout: 15_000});
  await page.waitForSelector(row("poem.txt"), {timeout: 15_000});
  await page.click(`${row("poem.txt")} .preview`);
  const text = await page.textContent(".preview-dialog pre");
  const cut = new TextEncoder().encode(text).length <= 256 * 1024 && text.startsWith("ñandú\nñ");
  the.report("the beginning of a text is shown", text.length, "<= 256 KiB", cut);
  await audit(the, page, "a text is shown");
  await closeDialog(page);
  const back = await page.evaluate(() => document.activeElement.className);
  the.report("Escape closes it and gives the focus back", back, "", /preview/.test(back));
  await page.click(`${row("dot.png")} .preview`);
  await page.waitForFunction(() => document.querySelector(".preview-dialog img")?.naturalWidth === 1);
  the.report("an image is shown", "yes", "", true);
  await page.click(".preview-dialog .close");
  await page.click(`${row("poem.txt")} .link`);
  await page.waitForFunction(() => document.querySelector(".qr path")?.getAttribute("d"));
  await shot(the, page, "l6-link");
  await audit(the, page, "a link is shown");
  await page.click(".share-dialog .copy");
  await page.waitForFunction(() => document.querySelector(".share-dialog [role=status]")?.textContent);
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  the.report("the link is copied", copied, "", copied.endsWith("/files/poem.txt"));
  problems(the, page, "dialogs are open");
  await page.context().close();
}

// On a small screen, in Spanish, and for assistive technology.
async function smallList(the) {
  const small = {viewport: {width: 360, height: 740}, colorScheme: "dark", locale: "es-ES"};
  const page = await open(the, the.cluster.nodes()[0], "", small);
  await drop(page, "a name that is much longer than any small screen is wide.txt", "long");
  await page.waitForSelector('.file[data-name^="a name that"]', {timeout: 15_000});
  await shot(the, page, "l7-small");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  the.report("long names fit into 360 px", wide, "<= 360", wide <= 360);
  await audit(the, page, "the list on a small screen");
  await page.click('.file[data-name^="a name that"] [data-act=tick]');
  await shot(the, page, "l8-small-ticked");
  await page.click('.file[data-name^="a name that"] .link');
  await page.waitForSelector(".qr");
  await shot(the, page, "l9-small-link");
  await page.context().close();
}

export const libraryScenes = {
  conflicts,
  folderAndLimit,
  deletions,
  looksInside,
  smallList,
  manyFiles,
};
