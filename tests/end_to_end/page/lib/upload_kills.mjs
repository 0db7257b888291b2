// One upload through the page while the nodes that take it are killed, and what that costs.
import {createHash, randomBytes} from "node:crypto";
import {closeSync, openSync, readFileSync, writeSync} from "node:fs";
import {until} from "./cluster.mjs";
import {complete, open, throttled} from "./steps.mjs";

const part = 1 << 20;

// A file of so many MiB that do not repeat, and its SHA-256, in constant memory.
export function largeFile(path, mebibytes) {
  const hash = createHash("sha256");
  const file = openSync(path, "w");
  for (let i = 0; i < mebibytes; ++i) {
    const body = randomBytes(part);
    hash.update(body);
    writeSync(file, body);
  }
  closeSync(file);
  return {path, size: mebibytes * part, sha256: hash.digest("hex")};
}

// Kills the taking node at each of these shares of the file. `rate` is in bytes per second, 0 for none.
export async function uploadThroughKills(the, name, {path, size}, {shares, rate, limit}) {
  const nodes = the.cluster.nodes();
  const page = await open(the, nodes[2]);
  await page.waitForTimeout(1500); // the page learns the other nodes
  if (rate) await throttled(page, rate);
  let taker;
  page.on("request", (request) => {
    if (request.method() === "PATCH") taker = new URL(request.url()).origin;
  });
  const row = `[data-upload="${name}"]`;
  const began = Date.now();
  const memory = await watchMemory(the.browser);
  try {
    await page.setInputFiles("input[type=file]", path);
    await page.waitForSelector(row);
    await recordProgress(page, row);
    const losses = [];
    for (const share of shares) {
      await until(limit, `${share} of it is sent`, async () => (await sent(page)) > share * size);
      const victim = nodes.find(({url}) => url === taker);
      losses.push(await lose(the, page, row, victim));
      await the.cluster.start(victim);
    }
    await page.waitForSelector(`${row}[data-state=done]`, {timeout: limit});
    const seconds = (Date.now() - began) / 1000;
    await page.fill("input[type=search]", name);
    await complete(page, name, limit);
    return {losses, seconds, memory: memory.most()};
  } finally {
    memory.end();
    await page.context().close();
  }
}

// The node is killed: how long until more is sent elsewhere, how much of it once more, and what the page says.
async function lose(the, page, row, victim) {
  const before = await sent(page);
  const from = await page.evaluate(() => performance.now());
  await the.cluster.kill(victim);
  const host = victim.url.replace("http://", "");
  await page.waitForSelector(`${row}:has-text("${host} stopped answering: moved to")`, {timeout: 30_000});
  const said = (await page.textContent(row)).match(/moved to ([\d.:]+), continuing/)?.[1];
  const seen = await until(60_000, "more is sent", () =>
    page.evaluate((since) => {
      const later = globalThis.progress.filter(({at}) => at >= since);
      const fallen = later.findIndex(({value}, i) => i > 0 && value < later[i - 1].value);
      const rising = later.find(({value}, i) => i > fallen && fallen > 0 && value > later[i - 1].value);
      return rising && {ms: Math.round(rising.at - since), least: later[fallen].value};
    }, from),
  );
  return {host, said, ms: seen.ms, again: Math.max(0, before - seen.least)};
}

const recordProgress = (page, row) =>
  page.evaluate((selector) => {
    globalThis.progress = [];
    setInterval(() => {
      const value = document.querySelector(`${selector} progress`)?.value;
      if (value !== undefined) globalThis.progress.push({at: performance.now(), value});
    }, 50);
  }, row);

const sent = (page) => page.evaluate(() => globalThis.progress.at(-1)?.value ?? 0);

// The most memory that a process of a page had resident, in bytes, looked at twice a second.
async function watchMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  let most = 0;
  const look = async () => {
    const {processInfo} = await session.send("SystemInfo.getProcessInfo");
    for (const {id} of processInfo.filter(({type}) => type === "renderer")) most = Math.max(most, resident(id));
  };
  const timer = setInterval(() => void look().catch(() => undefined), 500);
  return {most: () => most, end: () => clearInterval(timer)};
}

function resident(pid) {
  try {
    const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(kibibytes) * 1024;
  } catch {
    return 0; // it has ended
  }
}

// Of what another node gives for it, as it comes.
export async function readBack(node, name) {
  const hash = createHash("sha256");
  const answer = await fetch(`${node.url}/files/${encodeURIComponent(name)}?via=proxy`);
  for await (const bytes of answer.body) hash.update(bytes);
  return hash.digest("hex");
}

export async function copiesOf(node, name) {
  const answer = await fetch(`${node.url}/files?prefix=${encodeURIComponent(name)}`);
  return (await answer.json()).files.find((file) => file.name === name)?.copies ?? 0;
}
