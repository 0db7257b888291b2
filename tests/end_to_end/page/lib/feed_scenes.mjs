// What the cluster's section tells of every node, whichever of them the page is connected to.
import {until} from "./cluster.mjs";
import {media} from "./playing.mjs";
import {askedFor, host, notHeldBy, open, playsTo, problems, row, settled, shot} from "./steps.mjs";

const wide = {viewport: {width: 1280, height: 900}};
const details = ".details";
const tableRow = (node) => `tr:has-text("${host(node)}")`;
const filesOfVictim = 60; // of 2 MB: to copy them takes a second, of which half seconds are shown

// Notes the steps of the story, each time that they change. Of several the first is the latest.
function recordStory(page, selector) {
  return page.evaluate((story) => {
    globalThis.told = [];
    const look = () => {
      const items = document.querySelector(story)?.querySelectorAll("li") ?? [];
      const steps = [...items].map((each) => each.textContent.slice(2));
      const last = globalThis.told.at(-1) ?? [];
      if (steps.length > 0 && steps.join() !== last.join()) globalThis.told.push(steps);
    };
    new MutationObserver(look).observe(document.body, {
      ...{childList: true, subtree: true, characterData: true},
    });
  }, selector);
}

const begun = [/does not answer/, /is dead/];
const elsewhere = [/requests? (was|were) sent on since, to/, /^Copies go from \S+ to \S+ \(\d+\)/];
const going = [...begun, ...elsewhere, /^Copies are being made: \d+ of \d+ done/];
const done = [...begun, ...elsewhere, /copies that were missing are there again/];

const are = (steps, wanted) =>
  steps.length === wanted.length && wanted.every((each, i) => each.test(steps[i]));

// A node is killed with its button, while somebody watches a film and others are sent on by nodes.
async function deathInSteps(the) {
  if (the.fake) return;
  const [first, , victim, fourth] = the.cluster.nodes();
  for (let i = 0; i < filesOfVictim; ++i) {
    const body = `copy ${i}\n`.repeat(250_000);
    await fetch(`${victim.url}/files/steps/${i}.txt`, {method: "PUT", body});
  }
  await settled(the);
  const viewer = await open(the, fourth);
  await viewer.fill("input[type=search]", "film.mp4");
  await viewer.click(`${row("film.mp4")} .play`);
  await playsTo(viewer, 1, 20_000, "the viewer's film plays");
  const page = await open(the, first, "#cluster", wide);
  await page.waitForSelector(".topology .node");
  await page.click(`${tableRow(victim)} .choose`);
  await page.waitForSelector(`${details} .kill`);
  const {members} = await (await fetch(first.url + "/cluster")).json();
  const {node: id} = members.find(({http}) => http.startsWith(victim.url));
  const story = `[data-story="death"][data-node="${id}"]`;
  await recordStory(page, story);
  await page.click(`${details} .kill`);
  // All that live: who holds the file sends on hardly anybody, and one of them does not.
  const living = the.cluster.nodes().filter((node) => node !== victim);
  const asking = setInterval(() => {
    for (const node of living) void askedFor(node, "steps/0.txt").catch(() => undefined);
  }, 300);
  try {
    await page.waitForSelector(`${story}:has-text("is dead")`, {timeout: 30_000});
    await page.waitForFunction(() => globalThis.told.some((steps) => /being made/.test(steps.at(-1))), null, {
      timeout: 60_000,
    });
    await shot(the, page, "c7-death-in-steps");
    await page.waitForSelector(`${story}[data-over="true"]:has-text("is dead")`, {timeout: 90_000});
  } finally {
    clearInterval(asking);
    await the.cluster.start(victim);
  }
  const told = await page.evaluate(() => globalThis.told);
  for (const sentence of told.at(-1)) console.log(`      ${sentence}`);
  const order = [going, done].map((wanted) => told.findIndex((steps) => are(steps, wanted)));
  const good = order[0] >= 0 && order[1] > order[0] && are(told.at(-1), done);
  the.report("a death is told in steps, in order", order.join(" "), "rising", good);
  await watchedOn(the, viewer);
  problems(the, page, "a death is told in steps");
  await page.context().close();
  await viewer.context().close();
  await settled(the);
}

// Or has come to its end, where all of it took long.
async function watchedOn(the, viewer) {
  const {currentTime, duration, ended} = await media(viewer);
  const goal = ended ? duration - 1 : Math.min(currentTime, duration - 2) + 1;
  await playsTo(viewer, goal, 10_000, "the viewer watches on");
  the.report("and the film is watched on", "yes", "", true);
}

// While the cluster is looked at every node has a feed of this page; then only one, whoever sends on.
async function everyNodeHeard(the) {
  const nodes = the.cluster.nodes();
  const page = await open(the, nodes[0]);
  const sockets = new Set();
  page.on("websocket", (socket) => {
    if (!socket.url().includes("/ws/cluster")) return;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await page.click('nav a[href="#cluster"]');
  await page.waitForSelector(".topology .node");
  const others = nodes.length - 1;
  await until(5000, "every node is heard", () => sockets.size === others);
  the.report("every node is heard in the cluster's section", sockets.size, `${others}`, true);
  if (!the.fake) await redirectsTold(the, page);
  await page.click('nav a[href="#files"]');
  await until(5000, "the feeds are closed", () => sockets.size === 0);
  the.report("and one alone in the list", sockets.size, "0 more", true);
  problems(the, page, "every node is heard");
  await page.context().close();
}

// By a node that the page is not connected to.
async function redirectsTold(the, page) {
  const node = the.cluster.nodes()[1];
  const name = await notHeldBy(the, node);
  await page.selectOption(".log select", "client");
  await askedFor(node, name);
  await page.waitForSelector(`.events li:has-text("${name}")`, {timeout: 5000});
  the.report("what another node sends on is told", "yes", "", true);
}

export const feedScenes = {everyNodeHeard, deathInSteps};
