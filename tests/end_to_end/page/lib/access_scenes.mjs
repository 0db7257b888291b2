// A cluster that asks for tokens, through its page: tokens given, kept, forgotten, revoked; what a role
// may not do; share links.
import {readFileSync} from "node:fs";
import {audit} from "./audit.mjs";
import {player} from "./browser.mjs";
import {until} from "./cluster.mjs";
import {startGuarded, watchTokens} from "./guarded.mjs";
import {closeDialog, playsTo, problems, row, shot, someFile, watchProblems} from "./steps.mjs";

const yes = (the, what, good, figure = good ? "yes" : "no") => the.report(what, figure, "", good);
const locked = '[data-problem="locked"]';
const small = {viewport: {width: 360, height: 740}, colorScheme: "dark", locale: "es-ES"};
const text = "only for who may read it\n";

async function guarded(the, count, run) {
  const own = await startGuarded(the, count);
  try {
    await own.put("film.mp4", readFileSync(the.film.path));
    await own.put("plans/secret.txt", text);
    await run(own);
  } finally {
    await own.cluster.end();
  }
}

// A page that is not let in, or is, in a context of its own.
async function visit(own, node, after = "", options = {}) {
  const context = await own.browser.newContext({acceptDownloads: true, ...options});
  context.seen = watchTokens(context);
  return look(context, node, after);
}

async function look(context, node, after = "") {
  const page = await context.newPage();
  watchProblems(page);
  await page.goto(`${node.url}/${after}`);
  return page;
}

const entered = (page) => page.waitForSelector("[data-connected^=http]", {timeout: 15_000});

async function give(page, token, {keep = false} = {}) {
  if (!(await page.locator(".access-dialog").count())) {
    await page.locator(".give-token, .settings .access").first().click();
    await page.waitForSelector(".access-dialog .token");
  }
  await page.fill(".access-dialog .token", token);
  if (keep) await page.check(".access-dialog .keep");
  await page.click(".access-dialog .use");
}

const storages = (page) =>
  page.evaluate(() => {
    const has = (storage) => JSON.stringify(storage).includes("chisme-token-");
    return {tab: has(sessionStorage), machine: has(localStorage), address: location.href, cookie: document.cookie};
  });

async function accessToken(the) {
  await guarded(the, 3, async (own) => {
    await shutOut(own);
    await givenByHand(own);
    await givenByLink(own);
    await revoked(own);
  });
}

// Without a token, or with a wrong one: a sentence that says what to do.
async function shutOut(own) {
  const [node] = own.cluster.nodes();
  for (const [language, options] of [["English", {locale: "en-US"}], ["Spanish", small]]) {
    const page = await visit(own, node, "", options);
    await page.waitForSelector(locked);
    const shown = await page.locator(".file:visible, .add:visible, .library:visible").count();
    yes(own, `access: without a token nothing is shown (${language})`, shown === 0, shown);
    await audit(own, page, `without a token (${language})`);
    await page.click(".give-token");
    await page.waitForSelector(".access-dialog .token");
    const kind = await page.getAttribute(".access-dialog .token", "type");
    await page.fill(".access-dialog .token", "chisme-secret-1");
    await page.click(".access-dialog .use");
    const wrong = await page.waitForSelector(".access-dialog .problem:not(:empty)");
    const first = await wrong.textContent();
    await page.fill(".access-dialog .token", "chisme-token-nobody");
    await page.click(".access-dialog .use");
    const sentence = await until(10_000, "a sentence", async () => {
      const now = await page.textContent(".access-dialog #token-problem");
      return now && now !== first && now;
    });
    yes(own, `access: a wrong token is refused (${language})`, kind === "password", sentence.slice(0, 24));
    await page.check(".access-dialog .show");
    const open = await page.getAttribute(".access-dialog .token", "type");
    yes(own, `access: what is typed can be shown (${language})`, open === "text", open);
    await audit(own, page, `the dialog for tokens (${language})`);
    await shot(own, page, `a1-token-${language}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    yes(own, `access: nothing is wider than the page (${language})`, wide);
    const {tab, machine} = await storages(page);
    yes(own, `access: nothing is kept of a refused token (${language})`, !tab && !machine);
    await page.context().close();
  }
}

// A token in the dialog: everything works, at every node, and it goes nowhere else.
async function givenByHand(own) {
  const [node] = own.cluster.nodes();
  const page = await visit(own, node);
  const {seen} = page.context();
  await page.waitForSelector(locked);
  await give(page, own.token("write"));
  await entered(page);
  await page.waitForSelector(row("film.mp4"), {timeout: 15_000});
  await page.waitForSelector(locked, {state: "detached"});
  yes(own, "access: with a token the list is there", true);
  const file = someFile(own, "sent.bin", 9_000_000);
  await page.setInputFiles("input[type=file]", file.path);
  await page.waitForSelector('[data-upload="sent.bin"][data-state=done]', {timeout: 30_000});
  yes(own, "access: a file is stored", true);
  await page.click(`${row("plans/secret.txt")} .preview`);
  await page.waitForSelector(`.modal pre:has-text("only for who")`);
  await closeDialog(page);
  yes(own, "access: a text is looked into", true);
  await downloaded(own, page, "plans/secret.txt", text);
  const {tab, machine, address, cookie} = await storages(page);
  const clean = tab && !machine && !/token/.test(address) && cookie === "";
  yes(own, "access: the token is kept for the tab only", clean, JSON.stringify({tab, machine, cookie}));
  problems(own, page, "a token is given");
  for (const way of ["sw", "mse", "plain"]) await plays(own, page, way);
  await page.goto(node.url + "/");
  await page.waitForSelector(row("sent.bin"), {timeout: 15_000});
  await page.click(`${row("sent.bin")} .delete`);
  await page.waitForSelector(".undo", {state: "detached", timeout: 20_000});
  const route = `${node.url}/route?file=sent.bin`;
  const gone = async () => (await fetch(route, {headers: own.bearer})).status === 404;
  await until(15_000, "it is deleted", gone);
  yes(own, "access: a file is deleted", true);
  const cluster = new Set(own.cluster.nodes().map(({url}) => url));
  const strangers = seen.bearing.filter((url) => !cluster.has(new URL(url).origin));
  yes(own, "access: the token went to nodes of the cluster only", strangers.length === 0 && seen.bearing.length > 5, seen.bearing.length);
  yes(own, "access: in no address, and no cookie", seen.inAddress.length + seen.cookies === 0);
  await page.click(".settings .access");
  await page.click(".access-dialog .forget");
  await page.waitForSelector(locked);
  const left = await storages(page);
  yes(own, "access: a forgotten token is nowhere", !left.tab && !left.machine);
  await page.context().close();
}

// Through each way to play; the node that serves is killed.
async function plays(own, page, way) {
  const [node] = own.cluster.nodes();
  await page.goto(`${node.url}/?player=${way}`);
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 2, 20_000, `access: plays (${way})`);
  const before = await player(page);
  yes(own, `access: plays (${way})`, before.way === way, before.way);
  const victim = own.cluster.nodes().find(({url}) => url === before.http);
  if (way === "plain") return;
  await own.cluster.kill(victim);
  await until(20_000, `access: plays on (${way})`, async () => {
    const now = await player(page);
    return now.time > before.time + 5 && now.switches > 0;
  });
  yes(own, `access: plays on when its node is killed (${way})`, true);
  await own.cluster.start(victim);
}

async function downloaded(own, page, name, bytes) {
  const [download] = await Promise.all([
    page.waitForEvent("download", {timeout: 15_000}),
    page.click(`${row(name)} [data-act=download]`),
  ]);
  const got = readFileSync(await download.path(), "utf8");
  const plain = !download.url().includes("chisme-token-");
  yes(own, "access: a download is whole, and its address has no token", got === bytes && plain, got.length);
}

// A link that carries it: out of the address at once; kept for the tab, or on the machine.
async function givenByLink(own) {
  const [node, second] = own.cluster.nodes();
  const token = own.token("write");
  const page = await visit(own, node, `#token=${token}`);
  await entered(page);
  const {address, tab, machine} = await storages(page);
  yes(own, "access: a link's token is out of the address", !address.includes("token"), address);
  const deep = await page.evaluate(() => history.length);
  yes(own, "access: a link's token is kept for the tab", tab && !machine, `history ${deep}`);
  await page.reload();
  await entered(page);
  yes(own, "access: it is there after a reload", true);
  const next = await look(page.context(), node);
  await next.waitForSelector(locked);
  await give(next, token, {keep: true});
  await entered(next);
  const third = await look(page.context(), node);
  await entered(third);
  yes(own, "access: kept on the machine, it is there in another tab", true);
  await next.click(".settings .access");
  await next.click(".access-dialog .forget");
  await third.waitForSelector(locked);
  yes(own, "access: forgotten in one tab, it is in all that had it from the machine", true);
  const elsewhere = await look(page.context(), second);
  await elsewhere.waitForSelector(locked);
  yes(own, "access: the page of another node asks for its own", true);
  await page.context().close();
}

// It is revoked while the page is open.
async function revoked(own) {
  const [node] = own.cluster.nodes();
  const token = own.token("read");
  const page = await visit(own, node, `#token=${token}`);
  await page.waitForSelector(row("film.mp4"), {timeout: 15_000});
  await own.revoke(token);
  await until(20_000, "a revoked token is told of", async () => {
    await page.click(`${row("film.mp4")} [data-act=download]`, {timeout: 500}).catch(() => undefined);
    return page.locator(locked).count();
  });
  const told = await page.textContent(locked);
  yes(own, "access: a revoked token is told of", /not accepted.*new one/.test(told), told.slice(0, 30));
  await give(page, own.token("write"));
  await page.waitForSelector(locked, {state: "detached"});
  await entered(page);
  yes(own, "access: another one is taken at once", true);
  await page.context().close();
}

// What a role may not do is not offered.
async function accessRoles(the) {
  await guarded(the, 2, async (own) => {
    const [node] = own.cluster.nodes();
    for (const [role, writes, operates] of [
      ["read", false, false],
      ["write", true, false],
      ["admin", true, true],
    ]) {
      const page = await visit(own, node, `#token=${own.token(role)}`);
      await page.waitForSelector(row("film.mp4"), {timeout: 15_000});
      const files = await page.locator("input[type=file]").count();
      const deletes = await page.locator(`${row("film.mp4")} .delete`).count();
      yes(own, `access: ${role}: adds and deletes files`, (files > 0 && deletes > 0) === writes, `${files} ${deletes}`);
      if (role === "read") await downloaded(own, page, "plans/secret.txt", text);
      if (role === "read") await audit(own, page, "who may only read");
      await page.goto(`${node.url}/#cluster`);
      await page.waitForSelector(".details .actions");
      const deeds = await page.locator(".details .drain, .details .kill").count();
      const told = /admin/.test(await page.textContent(".details .actions"));
      yes(own, `access: ${role}: drains and kills nodes`, (deeds > 0) === operates && told !== operates, deeds);
      await page.context().close();
    }
  });
}

// A link that opens one file to who has it, so many times, until it is revoked.
async function accessShares(the) {
  await guarded(the, 2, async (own) => {
    const [node] = own.cluster.nodes();
    for (const [language, options] of [["English", {locale: "en-US"}], ["Spanish", small]]) {
      const page = await visit(own, node, `#token=${own.token("write")}`, options);
      await shared(own, page, language);
      await page.context().close();
    }
    const reader = await visit(own, node, `#token=${own.token("read")}`);
    await reader.click(`${row("plans/secret.txt")} .link`);
    await reader.waitForSelector(".share-dialog .opens");
    const offered = await reader.locator(".share-dialog .make").count();
    yes(own, "access: who may only read makes no share links", offered === 0);
    await reader.context().close();
  });
}

async function shared(own, page, language) {
  await page.click(`${row("plans/secret.txt")} .link`);
  await page.waitForSelector(".make-share");
  const plain = await page.inputValue(".share-dialog .address[readonly]");
  await page.fill(".make-share .count", "0");
  await page.click(".make-share .make");
  await page.waitForSelector(".make-share .problem:not(:empty)");
  await page.selectOption(".make-share select", "custom");
  await audit(own, page, `the dialog for share links (${language})`);
  await page.selectOption(".make-share select", "hour");
  await page.fill(".make-share .count", "1");
  await page.click(".make-share .make");
  const link = await until(10_000, "a share link", async () => {
    const now = await page.inputValue(".share-dialog .address[readonly]");
    return now !== plain && now;
  });
  await page.waitForSelector(".share-dialog [data-share]");
  await page.waitForSelector(".share-dialog .qr path[d]", {state: "attached"});
  await audit(own, page, `a share link (${language})`);
  await shot(own, page, `a2-share-${language}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  yes(own, `access: share: nothing is wider than the page (${language})`, wide);
  const first = await fetch(link);
  yes(own, `access: a share link opens its file (${language})`, first.ok && (await first.text()) === text, first.status);
  const second = await fetch(link);
  yes(own, `access: so many times and no more (${language})`, [403, 410].includes(second.status), second.status);
  await page.fill(".make-share .count", "");
  await page.click(".make-share .make");
  const another = await until(10_000, "another link", async () => {
    const now = await page.inputValue(".share-dialog .address[readonly]");
    return now !== link && now;
  });
  const kept = await page.evaluate(() => localStorage.getItem("chisme.shares"));
  const secret = new URL(another).searchParams.get("share");
  const listed = JSON.parse(kept).length;
  yes(own, `access: two links are listed, without their texts (${language})`, listed === 2 && !kept.includes(secret), listed);
  const before = await fetch(another);
  const [, id] = await page.locator(".share-dialog [data-share]").evaluateAll((all) => all.map((each) => each.dataset.share));
  await page.click(`[data-share="${id}"] .revoke`);
  await page.waitForSelector(`[data-share="${id}"]`, {state: "detached"});
  const one = await page.locator(".share-dialog [data-share]").count();
  const left = await page.locator(`.share-dialog [data-share] .revoke`).first();
  await left.click();
  await page.waitForSelector(".share-dialog [data-share]", {state: "detached"});
  const after = await fetch(another);
  const ended = before.ok && [403, 410].includes(after.status) && one === 1;
  yes(own, `access: a revoked link opens nothing (${language})`, ended, after.status);
  const focused = await page.evaluate(() => document.activeElement.className);
  yes(own, `access: share: the focus stays in the dialog (${language})`, /make/.test(focused), focused);
}

export const accessScenes = {accessToken, accessRoles, accessShares};
