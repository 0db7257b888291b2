// What users stored runs nowhere: not opened by its address, not inside other pages, not in the page.
import {attacks, disguises, startCanary, startHost, storedScript} from "./attacks.mjs";
import {until} from "./cluster.mjs";
import {closeDialog, open, problems, row} from "./steps.mjs";

const policy =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'";
const ranWithin = 1500; // ms
const controlWithin = 15_000;

async function servedContent(the) {
  if (the.fake) return;
  const canary = await startCanary();
  const list = attacks(canary.url);
  const naive = await startHost(list, canary.url);
  const shown = await startHost(list, canary.url, {"Content-Security-Policy": policy});
  const node = the.cluster.nodes()[0].url;
  const all = [...list, ...disguises(list)];
  try {
    const wanted = list.map(({what}) => what);
    const enough = (seen) => wanted.every((each) => seen.has(each));
    const ran = await opened(the, canary, {host: naive.url, files: list, links: true, enough});
    const missed = wanted.filter((each) => !ran.has(each));
    the.report("a careless server: what runs", ran.size, wanted.length, missed.length === 0);
    if (missed.length > 0) console.log(`      not seen: ${missed.join(", ")}`);
    for (const file of [...all, storedScript(canary.url)]) await stored(node, file);
    for (const [how, asked] of [
      ["a node", {host: node, files: all}],
      ["shown inline, its policy alone", {host: shown.url, files: list, links: true}],
    ]) {
      const seen = [...(await opened(the, canary, asked))];
      the.report(`${how}: what runs`, seen.join(" ") || "nothing", "nothing", seen.length === 0);
    }
    await heads(the, node, all);
    await previewed(the, node, canary, all);
  } finally {
    for (const server of [canary, naive, shown]) server.end();
  }
}

async function stored(node, {name, type, body}) {
  const address = `${node}/files/${encodeURIComponent(name)}`;
  const {ok, status} = await fetch(address, {method: "PUT", headers: {"Content-Type": type}, body});
  if (!ok) throw new Error(`${name} is not stored: ${status}`);
}

// Opens files by their addresses in windows and inside a page of another site; answers what ran.
// `links`: the host shows the page with a link, which is clicked.
async function opened(the, canary, {host, files, links, enough}) {
  canary.hits.clear();
  const context = await the.browser.newContext();
  const ran = new Set();
  context.on("console", (message) => {
    const [, what] = /^canary (\S+)/.exec(message.text()) ?? [];
    if (what) ran.add(what);
  });
  context.on("dialog", (dialog) => (ran.add("dialog"), dialog.dismiss().catch(() => undefined)));
  try {
    const foreign = await context.newPage();
    await foreign.goto(canary.url);
    await foreign.evaluate((url) => {
      addEventListener("message", ({data}) => fetch(`${url}/hit/${data}`));
    }, canary.url);
    const addresses = files.map(({name}) => `${host}/files/${encodeURIComponent(name)}`);
    await foreign.evaluate((list) => list.forEach((each) => window.open(each)), addresses);
    await foreign.evaluate((list) => {
      for (const address of list) {
        for (const [tag, key] of [["iframe", "src"], ["object", "data"], ["embed", "src"], ["img", "src"]]) {
          document.body.append(Object.assign(document.createElement(tag), {[key]: address}));
        }
      }
    }, addresses);
    await foreign.waitForTimeout(ranWithin);
    const isLinked = (page) => page.url().endsWith("/link.html");
    if (links) {
      await until(controlWithin, "what is to be clicked is there", () => context.pages().some(isLinked));
    }
    for (const page of context.pages().filter(isLinked)) await page.click("a", {noWaitAfter: true});
    const seen = () => new Set([...ran, ...canary.hits]);
    if (enough) await until(controlWithin, "all of it runs", () => enough(seen())).catch(() => undefined);
    else await foreign.waitForTimeout(ranWithin);
    return seen();
  } finally {
    await context.close();
  }
}

// Every way to the bytes says that they are to be kept apart; what could run is not shown at all.
async function heads(the, node, files) {
  const wrong = [];
  for (const {name, type} of files) {
    const path = encodeURIComponent(name);
    const inline = /^image\/png|^text\/plain/.test(type);
    for (const address of [`/files/${path}?via=proxy`, `/client?file=${path}&via=proxy`]) {
      const {status, headers} = await fetch(node + address);
      const shown = headers.get("Content-Disposition").startsWith("inline");
      const good =
        status === 200 &&
        headers.get("Content-Security-Policy") === policy &&
        headers.get("X-Content-Type-Options") === "nosniff" &&
        shown === (inline && address.startsWith("/files"));
      if (!good) wrong.push(`${address} ${status} ${JSON.stringify([...headers])}`);
    }
  }
  for (const each of wrong) console.log(`      ${each}`);
  the.report("all of it comes sandboxed, with nosniff, as what it may be", wrong.length, "0", wrong.length === 0);
}

// The page shows texts and drawings without letting them be more than that.
async function previewed(the, node, canary, files) {
  canary.hits.clear();
  const page = await open(the, {url: node});
  page.on("dialog", (dialog) => (canary.hits.add("dialog"), dialog.dismiss()));
  page.on("console", (message) => /^canary/.test(message.text()) && canary.hits.add(message.text()));
  let looks = 0;
  for (const {name} of files) {
    await page.fill("input[type=search]", name);
    await page.waitForSelector(row(name));
    const button = page.locator(`${row(name)} .preview`);
    if ((await button.count()) === 0) continue;
    await button.click();
    const shown = ".preview-dialog pre, .preview-dialog img, .preview-dialog .problem";
    await page.waitForSelector(shown, {timeout: 10_000});
    await page.waitForTimeout(100);
    await closeDialog(page);
    ++looks;
  }
  const title = await page.title();
  const kept = await page.evaluate(() => localStorage.getItem("canary"));
  const seen = [...canary.hits].join(" ");
  const calm = !seen && kept === null && !/calm|canary/.test(title);
  the.report("looked at in the page: what runs", seen || "nothing", `${looks} looks`, calm && looks > 15);
  problems(the, page, "hostile files are looked at");
  await page.context().close();
}

export const servedScenes = {servedContent};
