// Names of files that would run script or confuse, if they were taken for anything but text.
import {readFileSync} from "node:fs";
import {until} from "./cluster.mjs";
import {makeFormats} from "./media.mjs";
import {closeDialog, drop, open, playsTo, problems} from "./steps.mjs";

const run = "document.title=`tripped`";
const film = `"><img src=nothing onerror=${run}>.mp4`;
const image = `<svg onload=${run}>'.png`;
const texts = [
  `<img src=nothing onerror=${run}>.txt`,
  `"><script>${run}</script>.txt`,
  `' onmouseover='${run}' autofocus onfocus='${run}.txt`,
  `&lt;img src=nothing onerror=${run}&gt;.txt`,
  `%3Cimg src=nothing onerror=${run}%3E.txt`,
  `invoice \u202Etxt.exe \u2066\u202Bsafe\u2069.txt`,
  `\${${run}} {{${run}}} {0}.txt`,
];
const links = [`javascript:${run}`, `data:text/html,<script>${run}</script>`];
const subtitles = [".es.vtt", ".<b onclick=1>.vtt"].map((ending) => film.replace(".mp4", ending));
const names = [...texts, ...links, film, image];

const named = (name) => `.file[data-name=${JSON.stringify(name)}]`;
const host = (node) => node.url.replace("http://", "");

// Whether a name has become more than text: it ran, or made elements that the page never has.
const tripped = (page) =>
  page.evaluate(() => {
    const foreign = "[onerror],[onload],[onclick],[onmouseover],[onfocus],[src=nothing],[href^='javascript:'],[href^='data:text'],script:not([src])";
    return document.title === "tripped" || document.querySelectorAll(foreign).length > 0;
  });

async function hostileNames(the) {
  if (the.fake) return;
  const [node, other] = the.cluster.nodes();
  await control(the);
  await store(the, node);
  const page = await open(the, node, "", {viewport: {width: 1280, height: 900}});
  const look = async (where, good = true) => {
    const ran = await tripped(page);
    the.report(`hostile names in ${where} are text`, ran ? "no" : "yes", "", good && !ran);
  };
  const search = async (name) => {
    await page.fill("input[type=search]", name);
    await page.waitForSelector(named(name));
  };
  const press = async (name, button) => {
    await search(name);
    await page.click(`${named(name)} ${button}`, {timeout: 5000});
  };
  await look("the list", await allSearched(page, search));
  const dialogs = [];
  for (const [name, button] of [[texts[0], "preview"], [image, "preview"], [links[0], "link"], [texts[5], "link"]]) {
    await press(name, `.${button}`);
    const title = await page.textContent(".modal h2");
    dialogs.push(title === name && !(await tripped(page)));
    await closeDialog(page);
  }
  await look("dialogs", dialogs.every(Boolean));
  await drop(page, texts[0], "again");
  await page.waitForSelector(".conflict-dialog");
  await look("a question about a name", (await page.textContent(".conflict-dialog")).includes(texts[0]));
  await page.click(".conflict-dialog .replace");
  await page.waitForSelector(".upload[data-state=done]", {timeout: 20_000});
  await look("uploads", (await page.textContent(".upload .name")) === texts[0]);
  await press(texts[1], ".delete");
  await look("the offer to undo", (await page.textContent(".undo")).includes(texts[1]));
  await page.click(".undo button");
  await press(film, ".play");
  await playsTo(page, 0.3, 15_000, "plays");
  await look("the player", (await page.textContent(".player h2")) === film);
  const labels = () => page.locator("track").evaluateAll((list) => list.map(({label}) => label));
  await until(10_000, "the subtitles are known", async () => (await labels()).length === 2);
  await look("names of subtitles");
  await page.click('nav a[href="#cluster"]');
  const asked = `${node.url}/redirect?file=${encodeURIComponent(texts[0])}`;
  await until(10_000, "the log tells of it", async () => {
    await fetch(asked, {redirect: "manual"});
    return (await page.textContent(".events")).includes(texts[0]);
  });
  await look("the log of the cluster");
  problems(the, page, "names are hostile");
  await plainList(the, page, other);
  await page.context().close();
  for (const name of [...names, ...subtitles]) await fetch(address(node, name), {method: "DELETE"});
}

const address = (node, name) => `${node.url}/files/${encodeURIComponent(name)}`;

// The names do run where they are taken for HTML.
async function control(the) {
  const page = await the.browser.newPage();
  await page.setContent(`<title>calm</title>${names.join("\n")}`);
  await page.waitForFunction(() => document.title === "tripped", undefined, {timeout: 10_000});
  the.report("hostile names, taken for HTML, run", "yes", "", await tripped(page));
  await page.close();
}

async function store(the, node) {
  const made = makeFormats(the.film.path, the.folder, ["index-first.mp4"]);
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const bodies = {[film]: readFileSync(made["index-first.mp4"]), [image]: Buffer.from(png, "base64")};
  for (const name of subtitles) bodies[name] = "WEBVTT\n\n00:00.000 --> 01:00.000\n<b onclick=1>x\n";
  for (const name of [...names, ...subtitles]) {
    const answer = await fetch(address(node, name), {method: "PUT", body: bodies[name] ?? name});
    if (!answer.ok) throw new Error(`${name} is not stored: ${answer.status} ${await answer.text()}`);
  }
}

// Each one is found by all of itself, and shown letter for letter.
async function allSearched(page, search) {
  let same = 0;
  for (const name of names) {
    await search(name);
    if ((await page.textContent(`${named(name)} .name`)) === name) ++same;
  }
  await page.fill("input[type=search]", "");
  return same === names.length;
}

// The list without JavaScript, another node's answer to a search, and errors.
async function plainList(the, page, node) {
  const query = new URLSearchParams({search: "tripped", prefix: "", limit: "100"});
  await page.goto(`${node.url}/files?${query}`);
  const told = await page.locator("td bdi").allTextContents();
  const whole = names.filter((name) => name.includes("tripped")).every((name) => told.includes(name));
  the.report("hostile names in the list without JavaScript are text", told.length, "", whole && !(await tripped(page)));
  const targets = await page.locator("td a").evaluateAll((list) => list.map((each) => each.href));
  const own = targets.every((each) => /^http:\/\/127\.0\.0\.1:\d+\/(files\/|client\?)/.test(each));
  the.report("and their links lead to files", targets.length, "", own && targets.length > 10);
  const word = `"><script>${run}</script>`;
  await page.goto(`${node.url}/files?${new URLSearchParams({search: word, prefix: "<b onclick=1>"})}`);
  const kept = await page.inputValue("input[type=search]");
  the.report("hostile words to search for are text", kept, "", kept === word && !(await tripped(page)));
  for (const path of [`/files/${encodeURIComponent(word)}`, `/${encodeURIComponent(word)}`]) {
    const status = (await page.goto(node.url + path)).status();
    the.report("errors that name them run nothing", status, "404", status === 404 && !(await tripped(page)));
  }
}

export const namesScenes = {hostileNames};
