// The page over plain http:// under a name of the machine (--host): no secure context, so no service
// worker, no clipboard, no sharing; and a browser without picture-in-picture.
import {player} from "./browser.mjs";
import {until} from "./cluster.mjs";
import {
  closeDialog,
  complete,
  drop,
  open,
  playsTo,
  problems,
  row,
  sentBytes,
  shot,
  someFile,
  throttled,
} from "./steps.mjs";

const plainHost = "films.example"; // the browser is told that it is 127.0.0.1

const named = (node) => ({...node, url: node.url.replace("127.0.0.1", plainHost)});
const yes = (the, what, good, figure = good ? "yes" : "no") => the.report(what, figure, "", good);

async function plainHttp(the) {
  const node = named(the.cluster.nodes()[0]);
  const page = await open(the, node);
  const has = await page.evaluate(() =>
    ["serviceWorker", "clipboard", "share"].filter((name) => navigator[name] !== undefined),
  );
  const plain = has.length === 0 && !(await page.evaluate(() => isSecureContext));
  yes(the, "plain http: the browser has no secure context", plain, has.join() || "none");
  await drop(page, "plain.txt", "over plain http\n");
  await page.fill("input[type=search]", "plain.txt");
  await complete(page, "plain.txt", 20_000);
  yes(the, "plain http: stores a file", true);
  await linkCopied(the, page, node);
  await page.fill("input[type=search]", "film.mp4");
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 2, 20_000, "plays over plain http");
  const {way} = await player(page);
  yes(the, "plain http: plays through MediaSource", way === "mse", way);
  await uploadResumed(the, page);
  problems(the, page, "plain http is used");
  await page.context().close();
}

// The button selects the link and copies the selection; there is none to share it.
async function linkCopied(the, page, node) {
  await page.click(`${row("plain.txt")} .link`);
  await page.click(".share-dialog .copy");
  await page.waitForSelector('.share-dialog [role=status]:has-text("Copied")', {timeout: 5000});
  const buttons = await page.locator(".share-dialog .actions button").count();
  yes(the, "plain http: no button to share", buttons === 1, buttons);
  await shot(the, page, "p1-plain-link");
  await closeDialog(page);
  await page.fill("input[type=search]", "");
  await page.focus("input[type=search]");
  await page.keyboard.press("Control+V");
  const pasted = await page.inputValue("input[type=search]");
  yes(the, "plain http: the link is copied", pasted === `${node.url}/files/plain.txt`, pasted);
}

async function uploadResumed(the, page) {
  const name = "plain.bin";
  const file = someFile(the, name, 24_000_000);
  await throttled(page, 4_000_000);
  await page.setInputFiles("input[type=file]", file.path);
  const safe = 8 * 1024 * 1024; // a chunk
  await until(20_000, "a first chunk is safe", async () => (await sentBytes(page, name)) > safe + 2e6);
  page.on("dialog", (dialog) => void dialog.accept());
  await page.reload();
  await page.waitForSelector(`.unfinished:has-text("${name}")`, {timeout: 15_000});
  await page.setInputFiles("input[type=file]", file.path);
  const first = await until(15_000, "it is sent", () => sentBytes(page, name));
  await page.waitForSelector(`[data-upload="${name}"][data-state=done]`, {timeout: 60_000});
  yes(the, "plain http: an upload goes on after a reload", first >= safe, first);
  // What came of the request that was cut is stored a moment later: who asked before that is told where to go on.
  page.problems = page.problems.filter((text) => !/409 \(Conflict\).*\/uploads\//.test(text));
}

// No button for what the browser cannot do.
async function noSmallPicture(the) {
  const [node] = the.cluster.nodes();
  for (const able of [true, false]) {
    const page = await open(the, node);
    await page.addInitScript((value) => {
      Object.defineProperty(Document.prototype, "pictureInPictureEnabled", {value});
    }, able);
    await page.reload();
    await page.fill("input[type=search]", "film.mp4");
    await page.click(`${row("film.mp4")} .play`);
    await page.waitForSelector(".player-controls");
    const buttons = await page.locator(".small-picture").count();
    const what = `a button for the small picture ${able ? "where there is one" : "else not"}`;
    yes(the, what, buttons === Number(able), buttons);
    await page.context().close();
  }
}

export const plainHostScenes = {plainHttp, noSmallPicture};
