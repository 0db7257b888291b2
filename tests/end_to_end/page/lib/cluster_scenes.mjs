// The cluster's section and the frame of the page: the ring, a death told, a node's buttons, no
// node at all, other colours, another language, and what a checker of accessibility finds.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";
import {modulesFolder} from "../../../web/page/modules.mjs";
import {until} from "./cluster.mjs";
import {askedFor, closeDialog, drop, host, notHeldBy, open, problems, row, settled, shot} from "./steps.mjs";

const wide = {viewport: {width: 1280, height: 900}};

async function openCluster(the, node, options = wide) {
  const page = await open(the, node, "#cluster", options);
  await page.waitForSelector(".topology .node");
  return page;
}

const details = ".details";
const tableRow = (node) => `tr:has-text("${host(node)}")`;
const storyOf = (kind, node) => `[data-story="${kind}"]:has(h2:text("${host(node)}"))`;
// On a busy machine a node may have been silent for a moment before: that is a story too.
const deathOf = (node) => `${storyOf("death", node)}:has-text("is dead")`;

// The ring, the charts and the table show every node; a node is chosen with the keyboard alone.
async function clusterShown(the) {
  const nodes = the.cluster.nodes();
  const page = await openCluster(the, nodes[0]);
  const drawn = () => page.locator(".topology .node.alive").count();
  await until(10_000, "all are seen alive", async () => (await drawn()) >= nodes.length).catch(() => undefined);
  the.report("the ring shows every node", await drawn(), nodes.length, (await drawn()) === nodes.length);
  await page.waitForSelector(".chart canvas", {timeout: 10_000});
  await page.waitForFunction(
    () => document.querySelector(".sparkline path")?.getAttribute("d")?.length > 30,
  );
  the.report("charts and sparklines are drawn", "yes", "", true);
  await page.focus(`${tableRow(nodes[2])} .choose`);
  await page.keyboard.press("Enter");
  await page.waitForSelector(`${details} h2:has-text("${host(nodes[2])}")`);
  await page.waitForFunction(() => /in touch/.test(document.querySelector(".details")?.textContent));
  the.report("a node chosen with the keyboard tells of itself", "yes", "", true);
  await page.click(".topology .node >> nth=3 >> .body", {force: true});
  await page.waitForTimeout(2500);
  await shot(the, page, "c1-cluster");
  await page.reload();
  await page.waitForSelector(details, {timeout: 10_000});
  the.report("a reload keeps the section and the chosen node", "yes", "", true);
  problems(the, page, "the cluster is shown");
  await page.context().close();
}

// Clients that are sent on are seen on their way; nothing moves for people who want no motion.
async function trafficDrawn(the) {
  if (the.fake) return;
  const [first] = the.cluster.nodes();
  const page = await openCluster(the, first, {...wide, reducedMotion: "reduce"});
  const name = await notHeldBy(the, first);
  const asked = async () => {
    await askedFor(first, name);
    return page.locator(".flow.redirect").count();
  };
  const seen = await until(10_000, "a client is seen on its way", asked);
  the.report("a client that is sent on is drawn", seen, "> 0", seen > 0);
  const where = () => page.getAttribute(".topology g", "style");
  const before = await where();
  await page.waitForTimeout(500);
  const still = (await where()) === before;
  the.report("nothing moves when no motion is wanted", still ? "still" : "moves", "", still);
  await page.selectOption(".log select", "client");
  const told = await page.textContent(".events");
  the.report("and it is in the log", "", "", told.includes(name));
  await page.context().close();
}

// The page's own node dies while the cluster is shown: the page goes on elsewhere and says so.
async function ownDeathTold(the) {
  const node = the.cluster.nodes()[3];
  const page = await openCluster(the, node);
  await page.waitForTimeout(1500); // the page learns the other nodes
  await the.cluster.kill(node);
  try {
    const story = deathOf(node);
    await page.waitForSelector(`${story}:has-text("This page went on at")`, {timeout: 20_000});
    await page.waitForSelector(`${story}[data-over="true"]`, {timeout: 60_000});
    const told = (await page.textContent(story)).replace(/\s+/g, " ");
    console.log(`      ${told}`);
    the.report("the death of the page's own node is told", "yes", "", told.includes("is dead"));
    await shot(the, page, "c6-own-death");
  } finally {
    await the.cluster.start(node);
    await page.context().close();
  }
  await settled(the);
}

// A node dies: the page tells how it went, and when all copies are there again; then its return.
async function deathTold(the) {
  const [first, , victim] = the.cluster.nodes();
  const page = await openCluster(the, first);
  await drop(page, "told.txt", "copied again\n");
  await settled(the);
  const local = await page.evaluate(async () => (await (await fetch("/cluster")).json()).local);
  await page.click(`${tableRow(victim)} .choose`);
  await page.waitForSelector(details);
  const began = Date.now();
  if (local) await page.click(`${details} .kill`);
  else await the.cluster.kill(victim);
  try {
    await page.waitForSelector(storyOf("death", victim), {timeout: 15_000});
    the.report("a death is told of", `${Date.now() - began} ms`, "< 15 s", true);
    const story = deathOf(victim);
    await page.waitForSelector(story, {timeout: 20_000});
    if (local) {
      const has = await page.evaluate(() => document.activeElement.dataset.deed);
      the.report("Kill has become Restart, which has the focus", has ?? "none", "start", has === "start");
    }
    await page.waitForTimeout(3500);
    await shot(the, page, "c2-death");
    await page.waitForSelector(`${story}[data-over="true"]`, {timeout: 60_000});
    const told = (await page.textContent(story)).replace(/\s+/g, " ");
    the.report("until every copy is there again", `${Date.now() - began} ms`, "< 60 s", true);
    console.log(`      ${told}`);
    const log = await page.textContent(".events");
    the.report("and is in the log", "", "", /is dead/.test(log) && /not answer/.test(log));
    await page.click(".log .copy");
    await page.waitForSelector('.log [role="status"]:has-text("Copied")', {timeout: 5000});
    the.report("which can be copied", "yes", "", true);
    await page.selectOption(".log select", "node");
    const others = await page.locator(".events li:not(.of-node)").count();
    the.report("and shows one kind alone", others, "0", others === 0);
  } finally {
    if (local) await page.click(`${details} .start`);
    else await the.cluster.start(victim);
  }
  await page.waitForSelector(`${storyOf("return", victim)}[data-over="true"]`, {timeout: 60_000});
  await shot(the, page, "c3-return");
  const how = local ? "restarted with its button, it is back" : "its return is told";
  the.report(how, "yes", "", true);
  problems(the, page, "a death is told");
  await page.context().close();
  await settled(the);
}

// Hang and Go on, with their buttons, where the program has them.
async function hungAndOn(the) {
  const [first, second] = the.cluster.nodes();
  const page = await openCluster(the, first);
  const local = await page.evaluate(async () => (await (await fetch("/cluster")).json()).local);
  if (!local) {
    await page.context().close();
    return;
  }
  await page.click(`${tableRow(second)} .choose`);
  await page.click(`${details} .stop`);
  await page.waitForSelector(`${tableRow(second)}[data-state=dead]`, {timeout: 30_000});
  await page.waitForSelector(`${details} .cont`);
  await page.click(`${details} .cont`);
  await page.waitForSelector(`${tableRow(second)}[data-state=alive]`, {timeout: 30_000});
  the.report("hung and going on, with buttons", "yes", "", true);
  await page.context().close();
  await settled(the);
}

// A node is drained with its button: it is told, reads go elsewhere at once, and it can come back.
async function drained(the) {
  const [first, , , , victim] = the.cluster.nodes();
  const page = await openCluster(the, first);
  const local = await page.evaluate(async () => (await (await fetch("/cluster")).json()).local);
  if (!local) {
    await page.context().close();
    return;
  }
  await page.click(`${tableRow(victim)} .choose`);
  await page.click(`${details} .drain`);
  await page.click(`${details} .confirm .quiet`);
  const {members} = await (await fetch(`${first.url}/cluster`)).json();
  const {draining} = members.find(({http}) => http.startsWith(victim.url));
  the.report("a drain that is not wanted does nothing", draining, "false", draining === false);
  const held = await heldBy(first, victim);
  the.report("files that the node holds before", held.length, "> 0", held.length > 0);
  await page.click(`${details} .drain`);
  await page.click(`${details} .confirm .yes`);
  await page.waitForSelector(`.notice:has-text("${host(victim)} takes no more files")`);
  await until(15_000, "reads go elsewhere", async () => (await heldBy(first, victim)).length === 0);
  const sent = await Promise.all(held.map((name) => sentTo(first, name)));
  const elsewhere = sent.every((each) => each && each !== victim.url);
  the.report("reads of all its files are sent elsewhere", sent.length, "", elsewhere);
  await page.waitForSelector(`${details}:has-text("It has left")`, {timeout: 60_000});
  const state = await page.getAttribute(tableRow(victim), "data-state");
  the.report("the page tells that it has left", state, "left", state === "left");
  const lacking = await page.evaluate(async () => (await (await fetch("/cluster")).json()).under_replicated);
  the.report("files that lack a copy when it has left", lacking, "0", lacking === 0);
  await page.click(`${details} .start`, {timeout: 60_000}); // its last streams may take half a minute
  await page.waitForSelector(`${tableRow(victim)}[data-state=alive]`, {timeout: 30_000});
  the.report("and is back with its button", "yes", "", true);
  problems(the, page, "a node is drained");
  await page.context().close();
  await settled(the);
}

// Names of the files that readers may be sent to this node for.
async function heldBy(node, holder) {
  const {files} = await (await fetch(`${node.url}/files?limit=100`)).json();
  const held = [];
  for (const {name} of files) {
    const answer = await fetch(`${node.url}/route?file=${encodeURIComponent(name)}`);
    const {replicas = []} = await answer.json();
    if (replicas.some(({http}) => http.startsWith(holder.url))) held.push(name);
  }
  return held;
}

async function sentTo(node, name) {
  const {status, headers} = await askedFor(node, name);
  return status === 307 ? new URL(headers.get("location")).origin : undefined;
}

// No node answers: the page says so, also loaded again, and goes on when one is back.
async function nobodyThere(the) {
  const nodes = the.cluster.nodes();
  const page = await open(the, nodes[0]);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.waitForTimeout(1500); // the page learns the other nodes
  const banner = '[data-problem="outage"]';
  for (const node of nodes) await the.cluster.hang(node);
  try {
    const began = Date.now();
    await page.waitForSelector(banner, {timeout: 40_000});
    the.report("no node answers: told", `${Date.now() - began} ms`, "< 40 s", true);
    await shot(the, page, "c4-nobody");
    await page.reload({timeout: 20_000});
    await page.waitForSelector(banner, {timeout: 40_000});
    const tried = await page.textContent(banner);
    const all = nodes.every((node) => tried.includes(host(node)));
    the.report("also when loaded again, with all that were tried", all ? "yes" : "no", "", all);
  } finally {
    for (const node of nodes) await the.cluster.resume(node);
  }
  await page.click(`${banner} button`).catch(() => undefined); // it may be gone by itself
  await page.waitForSelector(banner, {state: "detached", timeout: 20_000});
  await page.waitForSelector(".file", {timeout: 10_000});
  the.report("and the list is live again when one is back", "yes", "", true);
  await page.context().close();
  await settled(the);
}

// Colours and language are chosen, and remembered; nothing is wider than a small screen.
async function chosenLooks(the) {
  const small = {viewport: {width: 360, height: 740}, locale: "en-GB"};
  const page = await openCluster(the, the.cluster.nodes()[0], small);
  await page.selectOption(".settings select", "dark");
  await page.click(".language");
  await page.waitForSelector('nav a:has-text("Clúster")');
  await page.reload();
  await page.waitForSelector(".topology .node");
  await page.keyboard.press("Tab");
  const skip = await page.evaluate(() => document.activeElement.className);
  const skips = skip === "skip-link";
  the.report("the first stop of the keyboard skips to the content", skip, "skip-link", skips);
  const kept = await page.evaluate(() => {
    const {lang, dataset} = document.documentElement;
    return `${lang} ${dataset.theme}`;
  });
  the.report("language and colours are remembered", kept, "es dark", kept === "es dark");
  await page.click(`${tableRow(the.cluster.nodes()[1])} .choose`);
  await page.waitForTimeout(1500);
  await shot(the, page, "c5-small-dark");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  the.report("the cluster is not wider than 360 px", width, "<= 360", width <= 360);
  await page.context().close();
}

function axe() {
  const {resolve} = createRequire(join(modulesFolder(), "package.json"));
  return readFileSync(resolve("axe-core/axe.min.js"), "utf8");
}

// Every view, in both languages and both themes.
async function accessible(the) {
  const [first, second] = the.cluster.nodes();
  const source = axe();
  let found = 0;
  for (const locale of ["en-GB", "es-ES"]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(the, first, "", {...wide, locale, colorScheme});
      await page.fill("input[type=search]", "film.mp4"); // of a long list only the rows in view are there
      await page.waitForSelector(row("film.mp4"));
      const check = async (view) => {
        const bad = await violations(page, source);
        for (const each of bad) console.log(`      ${locale} ${colorScheme} ${view}: ${each}`);
        found += bad.length;
      };
      await check("files");
      const seen = `seen ${locale} ${colorScheme}.txt`;
      await drop(page, seen, "seen\n");
      await page.waitForSelector(`[data-upload="${seen}"][data-state=done]`, {timeout: 20_000});
      await check("uploads");
      await eachDialog(page, seen, check);
      await page.click(`${row("film.mp4")} .play`);
      await page.waitForSelector(".player video");
      await page.waitForTimeout(700);
      await check("player");
      await page.click('nav a[href="#cluster"]');
      await page.waitForSelector(".chart canvas");
      await check("cluster");
      await page.click(`${tableRow(second)} .choose`);
      await page.waitForSelector(details);
      await check("details of a node");
      await page.click(`${details} .drain`);
      await check("drain asked");
      for (const path of ["/files?limit=50", "/files/there%20is%20no%20such%20file"]) {
        await page.goto(first.url + path);
        await check(`without scripts, ${path}`);
      }
      await page.context().close();
    }
  }
  the.report("what a checker of accessibility finds", found, "0", found === 0);
}

// What opens over the list, and a list of nothing.
async function eachDialog(page, name, check) {
  await page.fill("input[type=search]", name);
  await page.waitForSelector(row(name));
  for (const button of ["preview", "link"]) {
    await page.click(`${row(name)} .${button}`);
    await page.waitForSelector(".modal[open]");
    await check(button);
    await closeDialog(page);
  }
  await drop(page, name, "again\n");
  await page.waitForSelector(".conflict-dialog[open]");
  await check("a question about a name");
  await closeDialog(page);
  await page.fill("input[type=search]", "nothing has such a name");
  await page.waitForSelector(row(name), {state: "detached"});
  await check("a list of nothing");
  await page.fill("input[type=search]", "film.mp4");
  await page.waitForSelector(row("film.mp4"));
}

// Run where the page's own rules for scripts do not hold: through the browser's debugger.
async function violations(page, source) {
  await page.evaluate(source);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document));
  return violations.map(({id, nodes}) => `${id}: ${nodes.map((each) => each.target).join(" | ")}`);
}

export const clusterScenes = {
  clusterShown,
  trafficDrawn,
  deathTold,
  ownDeathTold,
  hungAndOn,
  drained,
  nobodyThere,
  chosenLooks,
  accessible,
};
