// The page by https:// from a cluster of its own (`chisme up --tls`), in a browser that trusts its
// certificate: everything goes encrypted, and a film survives the node that serves it.
import {createHash, X509Certificate} from "node:crypto";
import {mkdtempSync, openSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {modulesFolder} from "../../../web/page/modules.mjs";
import {launch, player} from "./browser.mjs";
import {startCluster} from "./cluster.mjs";
import {complete, drop, open, playsTo, problems, row} from "./steps.mjs";

const yes = (the, what, good, figure = good ? "yes" : "no") => the.report(what, figure, "", good);

// The digest by which Chromium is told to trust one key.
function keyDigest(file) {
  const key = new X509Certificate(readFileSync(file)).publicKey.export({type: "spki", format: "der"});
  return createHash("sha256").update(key).digest("base64");
}

// Where the page's requests and WebSockets go that are not encrypted.
function watchPlain(page) {
  const plain = [];
  const look = (url) => /^(http|ws):/.test(url) && plain.push(url);
  page.context().on("request", (request) => look(request.url()));
  page.on("websocket", (socket) => look(socket.url()));
  return plain;
}

async function overTls(the) {
  if (the.fake) return;
  const folder = mkdtempSync(join(the.folder, "tls-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const own = {program: the.program, count: 3, folder, log, options: ["--tls"]};
  const cluster = await startCluster(own);
  const trusted = `--ignore-certificate-errors-spki-list=${keyDigest(join(folder, "data/ca/node.pem"))}`;
  const browser = await launch(modulesFolder(), the.browserPath, [trusted]);
  try {
    await usedOverTls({...the, cluster, browser, folder});
  } finally {
    await browser.close();
    await cluster.end();
  }
}

async function usedOverTls(the) {
  const [node] = the.cluster.nodes();
  yes(the, "https: nodes tell https:// addresses", node.url.startsWith("https://"), node.url.slice(0, 8));
  const page = await open(the, node);
  const plain = watchPlain(page);
  const secure = await page.evaluate(() => isSecureContext && "serviceWorker" in navigator);
  yes(the, "https: the browser has a secure context", secure);
  await drop(page, "sealed.txt", "over TLS\n");
  await complete(page, "sealed.txt", 20_000);
  await page.setInputFiles("input[type=file]", the.film.path);
  await page.waitForSelector('[data-upload="film.mp4"][data-state=done]', {timeout: 30_000});
  await complete(page, "film.mp4", 30_000);
  yes(the, "https: files are stored", true);
  for (const way of ["sw", "mse"]) await survives(the, page, way);
  yes(the, "https: nothing goes unencrypted", plain.length === 0, plain[0] ?? "none");
  problems(the, page, "https is used");
  await page.context().close();
}

async function survives(the, page, way) {
  await page.goto(`${new URL(page.url()).origin}/?player=${way}`);
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 2, 20_000, `${way}: plays over TLS`);
  const before = await player(page);
  const serving = the.cluster.nodes().find(({url}) => url === before.http);
  const isOwn = page.url().startsWith(serving.url);
  await the.cluster.hang(serving);
  try {
    await playsTo(page, before.time + 8, 30_000, `${way}: plays on over TLS`);
    const after = await player(page);
    yes(the, `https, ${way}: plays on at another node`, after.http !== before.http, isOwn ? "the page's died" : "yes");
  } finally {
    await the.cluster.resume(serving);
  }
}

export const httpsScenes = {overTls};
