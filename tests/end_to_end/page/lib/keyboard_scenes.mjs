// The page with the keyboard alone, in the order that Tab goes; and its colours.
import {until} from "./cluster.mjs";
import {drop, open, row, shot} from "./steps.mjs";

const yes = (the, what, good, figure = good ? "yes" : "no") => the.report(what, figure, "", good);
const stopsMost = 40;

// What has the focus: its class or act, and whether one sees that.
function focus(page) {
  return page.evaluate(() => {
    const {activeElement: at} = document;
    if (!at || at === document.body) return {name: "body", seen: false};
    const box = (at.closest("label") ?? at).getBoundingClientRect();
    const marked = [at, at.closest(".button"), at.closest(".tick")].some(
      (each) => each && getComputedStyle(each).outlineStyle !== "none",
    );
    const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0;
    const name = at.dataset.act ?? (at.type === "search" ? "search" : at.className || at.tagName);
    return {name, seen: marked && inside, dialog: Boolean(at.closest("dialog"))};
  });
}

async function tab(page, times = 1, key = "Tab") {
  for (let i = 0; i < times; ++i) await page.keyboard.press(key);
  return focus(page);
}

// Presses Tab until `name` has the focus; answers all stops on the way.
async function tabTo(page, name) {
  const stops = [];
  while (stops.length < stopsMost) {
    stops.push(await tab(page));
    if (stops.at(-1).name === name) return stops;
  }
  throw new Error(`Tab does not come to ${name}: ${stops.map((stop) => stop.name).join(", ")}`);
}

async function keyboardWalk(the) {
  const page = await open(the, the.cluster.nodes()[0], "", {viewport: {width: 1100, height: 900}});
  const first = await tab(page);
  yes(the, "keyboard: first comes the way past the header", first.name === "skip-link", first.name);
  await page.keyboard.press("Enter");
  const inMain = () => page.evaluate(() => Boolean(document.activeElement.closest("main")));
  await tab(page);
  yes(the, "keyboard: and it leads past it", await inMain());
  for (const name of ["walk 1.txt", "walk 2.txt", "walk 3.txt"]) await drop(page, name, name);
  await page.fill("input[type=search]", "walk txt");
  await page.waitForFunction(() => document.querySelectorAll(".file").length === 3);
  const stops = await tabTo(page, "delete");
  const unseen = stops.filter(({seen}) => !seen).map(({name}) => name);
  yes(the, "keyboard: each stop is seen", unseen.length === 0, unseen.join(" ") || stops.length);
  const order = stops.slice(-5).map(({name}) => name).join(" ");
  yes(the, "keyboard: a row in its order", order === "tick show download link delete", order);
  await dialogs(the, page);
  await deletedByKey(the, page);
  await playerClosed(the, page);
  await page.context().close();
}

// Focus goes into a dialog, stays there, and comes back to what opened it.
async function dialogs(the, page) {
  for (const act of ["link", "show"]) {
    await page.focus(`${row("walk 2.txt")} [data-act=${act}]`);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    const within = [await focus(page)];
    for (let i = 0; i < 6; ++i) within.push(await tab(page));
    const outside = within.filter(({dialog, name}) => !dialog && name !== "body");
    const good = within[0].dialog && outside.length === 0;
    yes(the, `keyboard: a dialog keeps the focus (${act})`, good, within[0].name);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", {state: "detached"});
    const back = await focus(page);
    yes(the, "keyboard: and gives it back", back.name === act, back.name);
  }
}

// What is deleted loses its row, not its place; what was the last row leaves it to the one before.
async function deletedByKey(the, page) {
  const names = await page.$$eval(".file", (list) => list.map(({dataset}) => dataset.name));
  const inRow = () => page.evaluate(() => document.activeElement.closest(".file")?.dataset.name);
  const cases = [
    {what: "a delete", index: 1, heir: 2, place: "next"},
    {what: "a delete of the last row", index: 2, heir: 1, place: "new last"},
  ];
  for (const {what, index, heir, place} of cases) {
    const name = names[index];
    await page.focus(`${row(name)} [data-act=delete]`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(row(name), {state: "detached"});
    const moved = async () => (await inRow()) === names[heir];
    const stays = await until(3000, "the focus is there", moved).catch(() => false);
    const at = await focus(page);
    yes(the, `keyboard: after ${what} the ${place} row has the focus`, stays && at.name === "delete", at.name);
    await page.focus(".undo button");
    await page.keyboard.press("Enter");
    await page.waitForSelector(row(name));
    const search = await focus(page);
    yes(the, "keyboard: after an undo the search has it", search.name === "search", search.name);
  }
}

async function playerClosed(the, page) {
  await page.fill("input[type=search]", "film.mp4");
  await page.focus(`${row("film.mp4")} [data-act=show]`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.localName === "video");
  await page.focus(".player .close");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".player", {state: "detached"});
  const {name} = await focus(page);
  yes(the, "keyboard: a closed player gives the focus back", name === "show", name);
}

const [light, dark] = ["rgb(245, 246, 248)", "rgb(18, 22, 29)"];

// The system's colours, unless the reader chose; without scripts, too.
async function colours(the) {
  const [{url}] = the.cluster.nodes();
  const wrong = [];
  for (const colorScheme of ["light", "dark"]) {
    for (const chosen of ["auto", "light", "dark", "no scripts"]) {
      const javaScriptEnabled = chosen !== "no scripts";
      const context = await the.browser.newContext({colorScheme, javaScriptEnabled});
      const page = await context.newPage();
      await page.goto(url);
      if (javaScriptEnabled) await page.selectOption(".settings select", chosen);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const wanted = (["light", "dark"].includes(chosen) ? chosen : colorScheme) === "dark" ? dark : light;
      if (ground !== wanted) wrong.push(`${colorScheme}, ${chosen}: ${ground}`);
      if (!javaScriptEnabled && colorScheme === "dark") await shot(the, page, "k1-dark-no-scripts");
      await context.close();
    }
  }
  yes(the, "light and dark, the system's or chosen", wrong.length === 0, wrong.join("; ") || "8 of 8");
}

export const keyboardScenes = {keyboardWalk, colours};
