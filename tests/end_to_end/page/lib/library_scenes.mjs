// The list of files and the uploads, as a person meets them.
import {mkdirSync, mkdtempSync, openSync} from "node:fs";
import {join} from "node:path";
import {modulesFolder} from "../../../web/page/modules.mjs";
import {startFakes} from "./cluster.mjs";
import {open, problems, row, shot} from "./steps.mjs";

const total = (page) => page.getAttribute(".library", "data-total");
const known = (page) => page.locator(".file[data-name]");

// Fake nodes of its own with 50 000 files: only what is looked at is in the document.
async function manyFiles(the) {
  const assets = process.env.CHISME_PAGE_ASSETS;
  if (!assets) return;
  const folder = mkdtempSync(join(the.folder, "many-"));
  mkdirSync(folder, {recursive: true});
  const log = openSync(join(folder, "nodes.log"), "a");
  const own = {count: 2, folder, assets, modules: modulesFolder(), rate: 0, log};
  const cluster = await startFakes({...own, more: {FAKE_MANY: "50000"}});
  try {
    const options = {viewport: {width: 1280, height: 900}};
    const context = await the.browser.newContext(options);
    const page = await context.newPage();
    page.problems = [];
    page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
    page.on("pageerror", (error) => page.problems.push(String(error)));
    await page.goto(cluster.nodes()[0].url + "/");
    await known(page).first().waitFor();
    const ms = await page.evaluate(() => Math.round(performance.now()));
    the.report("50 000 files: first rows", `${ms} ms`, "< 3 s", ms < 3000);
    the.report("all are in the list", await total(page), "50000", (await total(page)) === "50000");
    await scrolled(the, page);
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
  the.report("scrolling: frames, median and 98 %", told, "< 34 / 120 ms", frames.median < 34 && frames.worst < 120);
  the.report("elements in the list", frames.nodes, "< 1000", frames.nodes < 1000);
  await page.waitForFunction(() => !document.querySelector(".blank"), undefined, {timeout: 5000});
  the.report("rows come wherever one scrolls to", "yes", "", true);
  await shot(the, page, "l1-many");
}

async function searched(the, page) {
  await page.selectOption(".bar select", "name false");
  await page.waitForFunction(() => document.querySelector('[data-index="0"]')?.dataset.name?.includes("holiday in the mountains with everybody 000000"));
  const top = await page.evaluate(() => document.querySelector(".port").scrollTop);
  the.report("another order begins at the top", top, "0", top === 0);
  await page.fill("input[type=search]", "HOLIDAY 0007 png");
  await page.waitForFunction(() => Number(document.querySelector(".library").dataset.total) < 50);
  const names = await known(page).evaluateAll((list) => list.map((each) => each.dataset.name));
  const right = names.length > 0 && names.every((name) => /holiday.*0007.*png/.test(name));
  the.report("the search finds each word, in all files", names.length, "> 0", right);
  await page.fill("input[type=search]", "");
  await page.waitForFunction(() => document.querySelector(".library").dataset.total === "50000");
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
  await page.waitForFunction(() => /50,000|50000/.test(document.querySelector(".tick.all").textContent), undefined, {timeout: 30_000});
  the.report("all 50 000 are ticked", `${Date.now() - began} ms`, "< 15 s", Date.now() - began < 15_000);
  await page.click(".delete-selected");
  await page.waitForFunction(() => document.querySelectorAll(".file").length === 0, undefined, {timeout: 3000});
  the.report("and gone at once when deleted", "yes", "", true);
  await page.click(".undo button");
  await known(page).first().waitFor();
  the.report("and back when undone", await total(page), "50000", (await total(page)) === "50000");
}

export const libraryScenes = {manyFiles};
