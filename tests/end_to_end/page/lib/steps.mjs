// What scenes do and look at: small steps on a page, files, and the cluster behind it.
import {createHash, randomBytes} from "node:crypto";
import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {player} from "./browser.mjs";
import {until} from "./cluster.mjs";

export const row = (name) => `.file[data-name="${name}"]`;

export const host = (node) => node.url.replace("http://", "");

// What the page's console complains of, with the address that it is about.
export function watchProblems(page) {
  page.problems = [];
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    page.problems.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => page.problems.push(String(error)));
}

export async function open({browser}, node, query = "", options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  watchProblems(page);
  await page.goto(node.url + "/" + query);
  await page.waitForSelector("[data-connected^=http]", {timeout: 10_000});
  return page;
}

export function shot({shots}, page, name) {
  return shots ? page.screenshot({path: join(shots, `${name}.png`), fullPage: true}) : undefined;
}

// At least the wanted copies: for a while there may be one more.
export function complete(page, name, timeout) {
  const enough = (selector) => {
    const {copies, wanted} = document.querySelector(selector)?.dataset ?? {};
    return Number(copies) >= Number(wanted);
  };
  return page.waitForFunction(enough, row(name), {timeout});
}

// The page has what had the focus before only a frame after the key.
export async function closeDialog(page) {
  await page.keyboard.press("Escape");
  await page.waitForSelector(".modal", {state: "detached"});
}

export async function drop(page, name, text) {
  const data = await page.evaluateHandle(
    ([called, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], called, {type: "text/plain"}));
      return transfer;
    },
    [name, text],
  );
  await page.dispatchEvent("body", "dragover", {dataTransfer: data});
  await page.dispatchEvent("body", "drop", {dataTransfer: data});
}

// The film comes past so many seconds; else the error says what the player and the console show.
export async function playsTo(page, seconds, limit, what) {
  await until(limit, what, async () => (await player(page)).time > seconds).catch(async (failure) => {
    const shown = {...(await player(page)), console: page.problems.slice(-5)};
    throw new Error(`${failure.message}: ${JSON.stringify(shown)}`);
  });
}

export function problems(the, page, when) {
  const own = page.problems.filter(
    (text) => !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection|net::/.test(text),
  );
  the.report(
    `no errors in the console while ${when}`,
    own[0]?.slice(0, 80) ?? "none",
    "",
    own.length === 0,
  );
}

// Every node is alive again for the first one, and the film has all its copies.
export async function settled(the) {
  await until(40_000, "the cluster has settled", async () => {
    const cluster = await (await fetch(the.cluster.nodes()[0].url + "/cluster")).json();
    const alive = cluster.members.filter((member) => member.state === "alive").length;
    return alive >= the.cluster.nodes().length && cluster.under_replicated === 0;
  });
}

// The name of a file that the node does not hold: it sends everybody on who asks for it. A node
// that is given a file keeps a copy, so they are put at another one.
export async function notHeldBy(the, node) {
  const other = the.cluster.nodes().find((each) => each !== node);
  const names = Array.from({length: 16}, (_, i) => `sent-on-${node.number}-${i}.txt`);
  for (const name of names) await fetch(`${other.url}/files/${name}`, {method: "PUT", body: name});
  await until(20_000, "each has all its copies there", async () => {
    const {files} = await (await fetch(`${node.url}/files?prefix=sent-on-${node.number}-`)).json();
    return files.filter(({copies, wanted}) => copies >= wanted).length === names.length;
  });
  for (const name of names) {
    const {replicas} = await (await fetch(`${node.url}/route?file=${name}`)).json();
    if (replicas.every(({http}) => !http.startsWith(node.url))) return name;
  }
  throw new Error(`${node.url} holds every file`);
}

export const askedFor = (node, name) =>
  fetch(`${node.url}/redirect?file=${encodeURIComponent(name)}`, {redirect: "manual"});

export function mib(bytes) {
  return `${(bytes / 1048576).toFixed(1)} MiB`;
}

export const sentBytes = (page, name) =>
  page.evaluate((row) => document.querySelector(row)?.value ?? 0, `[data-upload="${name}"] progress`);

export async function throttled(page, bytesPerSecond) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: bytesPerSecond,
  });
}

// A file of so many bytes that do not repeat, and its SHA-256.
export function someFile(the, name, size) {
  const path = join(the.folder, name);
  const body = randomBytes(size);
  writeFileSync(path, body);
  return {path, sha256: createHash("sha256").update(body).digest("hex")};
}

export async function storedDigest(the, name) {
  const node = the.cluster.nodes()[0];
  return (await (await fetch(`${node.url}/route?file=${name}`)).json()).sha256;
}
