// What ends by itself, and what was deleted: in the page, and in a browser without JavaScript.
import {mkdtempSync, openSync} from "node:fs";
import {join} from "node:path";
import {audit} from "./audit.mjs";
import {startCluster, until} from "./cluster.mjs";
import {drop, open, problems, row, shot} from "./steps.mjs";

const patience = 15_000;
const removedRow = (name) => `.removed [data-removed="${name}"]`;

async function trash(the) {
  if (the.fake) return;
  const without = await open(the, the.cluster.nodes()[0]);
  await without.waitForSelector("[data-total]");
  the.report("without a trash no way leads there", "", "", (await without.locator("nav a[href='#trash']").count()) === 0);
  await without.context().close();
  const folder = mkdtempSync(join(the.folder, "trash-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const program = the.program;
  const cluster = await startCluster({program, count: 3, folder, log, options: ["--trash", "7d"]});
  const own = {...the, cluster};
  try {
    await expiry(own);
    await removedAndBack(own);
    await withoutScripts(own);
  } finally {
    await cluster.end();
  }
}

const node = (the, number) => the.cluster.nodes()[number].url;
const send = (url, method, body) => fetch(url, {method, body, signal: AbortSignal.timeout(patience)});

async function put(the, name, body = name) {
  const {ok, status} = await send(`${node(the, 0)}/files/${encodeURIComponent(name)}`, "PUT", body);
  if (!ok) throw new Error(`${name} is not stored: ${status}`);
}

async function inTrash(the, name) {
  const {files} = await (await send(`${node(the, 1)}/trash`, "GET")).json();
  return files.some((each) => each.name === name);
}

// "Keep for" reaches the nodes, and the row says when the file ends.
async function expiry(the) {
  const page = await open(the, the.cluster.nodes()[0]);
  await page.selectOption(".keep-for select", "1d");
  await drop(page, "for a day.txt", "gone tomorrow\n");
  await page.waitForSelector(`${row("for a day.txt")} .expiry`, {timeout: patience});
  const said = await page.textContent(`${row("for a day.txt")} .expiry`);
  const at = await page.getAttribute(`${row("for a day.txt")} .expiry`, "datetime");
  const left = (Date.parse(at) - Date.now()) / 3600_000;
  the.report("a row says when its file ends", said.slice(0, 15), "in 24 h", said.startsWith("expires in 24\u00a0h") && said.includes("It is removed on"));
  the.report("it was kept for what was chosen", `${left.toFixed(2)} h`, "24 h", left > 23.8 && left <= 24);
  await page.selectOption(".keep-for select", "ever");
  await drop(page, "for ever.txt", "stays\n");
  await page.waitForSelector(row("for ever.txt"), {timeout: patience});
  the.report("what is kept for ever says nothing", "", "", (await page.locator(`${row("for ever.txt")} .expiry`).count()) === 0);
  await audit(the, page, "files that expire");
  await shot(the, page, "trash-expiry");
  problems(the, page, "files expire");
  await page.context().close();
}

async function removedAndBack(the) {
  await put(the, "a/plan.txt");
  const page = await open(the, the.cluster.nodes()[1]);
  await page.click("nav a[href='#trash']");
  await page.waitForSelector(".trash .empty");
  await page.click("nav a[href='#files']");
  await page.click(`${row("for ever.txt")} .delete`);
  const toast = await page.textContent(".undo span");
  the.report("the toast says where it goes", toast, "", toast === "for ever.txt is in the trash, for 7 days.");
  await page.click("nav a[href='#trash']");
  await page.reload(); // a page that is left waits for no undo
  await page.waitForSelector(removedRow("for ever.txt"), {timeout: patience});
  await send(`${node(the, 0)}/files/a/plan.txt`, "DELETE");
  await page.waitForSelector(removedRow("a/plan.txt"), {timeout: patience});
  the.report("what is deleted comes into the open view", "2 files", "", true);
  await audit(the, page, "the trash");
  await shot(the, page, "trash");
  await put(the, "a/plan.txt", "another plan\n");
  for (const {url} of the.cluster.nodes()) {
    const heard = async () => (await send(`${url}/files/a/plan.txt?via=local`, "GET")).status !== 404;
    await until(patience, "each node has heard of the new file", heard);
  }
  await page.click(`${removedRow("a/plan.txt")} .restore`);
  const sentence = await page.textContent(`${removedRow("a/plan.txt")} .problem`);
  the.report("a taken name is said", sentence.slice(0, 40), "", sentence.includes("is a file called a/plan.txt again"));
  await page.click(`${removedRow("for ever.txt")} .restore`);
  await page.waitForSelector(removedRow("for ever.txt"), {state: "detached", timeout: patience});
  const back = await send(`${node(the, 2)}/files/for%20ever.txt?via=proxy`, "GET");
  the.report("a restored file is back", back.status, "200", (await back.text()) === "stays\n");
  await destroyed(the, page);
  // The taken name; and the page that came after may ask for what the one that was left has removed.
  const told = / 409 | 404 .*\/(files\/|route\?file=)for%20ever\.txt/;
  page.problems = page.problems.filter((each) => !told.test(each));
  problems(the, page, "the trash is used");
  await page.context().close();
}

// Asked first; whoever thinks again has the focus where it was.
async function destroyed(the, page) {
  const plan = removedRow("a/plan.txt");
  await page.click(`${plan} .for-good`);
  await page.waitForSelector(`${plan} .confirm`);
  await audit(the, page, "asked before a file goes for good");
  await shot(the, page, "trash-confirm");
  await page.keyboard.press("Enter"); // the focus is on what keeps it
  await page.waitForFunction((at) => document.activeElement === document.querySelector(`${at} .for-good`), plan);
  the.report("a file that was kept after all is there", "", "", await inTrash(the, "a/plan.txt"));
  await page.click(`${plan} .for-good`);
  await page.click(`${plan} .yes`);
  await page.waitForSelector(".trash .empty", {timeout: patience});
  await until(patience, "it is gone at another node", async () => !(await inTrash(the, "a/plan.txt")));
  const there = await send(`${node(the, 2)}/files/a/plan.txt?via=proxy`, "GET");
  the.report("for good is the one that was asked about", there.status, "200", there.status === 200);
}

async function withoutScripts(the) {
  for (const name of ["old <b>.txt", "older.txt"]) {
    await put(the, name);
    await send(`${node(the, 0)}/files/${encodeURIComponent(name)}`, "DELETE");
  }
  const context = await the.browser.newContext({javaScriptEnabled: false});
  const page = await context.newPage();
  await page.goto(`${node(the, 0)}/files`);
  the.report("the list without scripts tells expiry", "", "", (await page.content()).includes("Expires (UTC)"));
  await shot(the, page, "trash-list-without-scripts");
  await page.setViewportSize({width: 360, height: 740});
  for (const [what, way] of [["trash", "/trash"], ["list", "/files"]]) {
    await page.goto(node(the, 0) + way);
    await shot(the, page, `${what}-without-scripts-small`);
    const {x, width} = await page.locator("table").boundingBox();
    const end = Math.ceil(x + width);
    the.report(`the ${what} without scripts ends within 360 px`, end, "<= 360", end <= 360);
  }
  await page.setViewportSize({width: 1280, height: 740});
  await page.click("a[href='/trash']");
  const at = (name) => page.locator("tr", {hasText: name});
  await at("older.txt").locator("summary").click();
  await shot(the, page, "trash-without-scripts");
  await at("older.txt").locator("details button").click();
  await at("older.txt").waitFor({state: "detached"});
  await at("old <b>.txt").getByRole("button", {name: "Restore"}).click();
  await page.getByText("Nothing is in the trash.").waitFor();
  await until(patience, "it is back at another node", async () => {
    const {status} = await send(`${node(the, 1)}/files/old%20%3Cb%3E.txt?via=proxy`, "GET");
    return status === 200;
  });
  the.report("forms restore and remove without scripts", page.url().replace(/.*\d/, ""), "/trash", page.url().endsWith("/trash"));
  await context.close();
}

export const trashScenes = {trash};
