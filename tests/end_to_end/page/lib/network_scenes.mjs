// Whom the page talks to: the nodes of its cluster and nobody else.
import {closeDialog, open, playsTo, row} from "./steps.mjs";

const directives = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
];
const firstLoadMost = 60_000; // bytes on the wire

async function onlyNodes(the) {
  if (the.fake) return;
  const nodes = the.cluster.nodes();
  const own = new Set(nodes.flatMap(({url}) => [url, url.replace("http:", "ws:")]));
  const context = await the.browser.newContext();
  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  context.on("page", (page) => page.on("websocket", (socket) => asked.push(socket.url())));
  const page = await open({browser: {newContext: () => context}}, nodes[0]);
  await page.waitForSelector(".file");
  const wire = await page.evaluate(() => {
    const [document] = performance.getEntriesByType("navigation");
    const began = ({startTime}) => startTime < document.domContentLoadedEventStart;
    const parts = performance.getEntriesByType("resource").filter(began);
    return [document, ...parts].reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0);
  });
  const small = wire > 10_000 && wire <= firstLoadMost;
  the.report("first load, on the wire", `${wire} bytes`, `<= ${firstLoadMost}`, small);
  await page.fill("input[type=search]", "notes");
  await page.click(`${row("notes.txt")} .preview`);
  await page.waitForSelector(".preview-dialog pre");
  await closeDialog(page);
  await page.click(`${row("notes.txt")} .link`);
  await page.waitForSelector(".qr");
  await closeDialog(page);
  await page.fill("input[type=search]", "film.mp4");
  await page.click(`${row("film.mp4")} .play`);
  await playsTo(page, 1, 15_000, "plays");
  await page.click('nav a[href="#cluster"]');
  await page.waitForSelector(".chart canvas");
  const origins = new Set(asked.filter((each) => !/^(blob|data):/.test(each)).map((each) => new URL(each).origin));
  const foreign = [...origins].filter((each) => !own.has(each));
  const none = foreign.length === 0 && asked.length > 20;
  the.report("hosts that are no nodes, of all asked", foreign.join(" ") || 0, `of ${asked.length}`, none);
  const policy = (await fetch(nodes[0].url + "/")).headers.get("Content-Security-Policy");
  const lacking = directives.filter((each) => !policy.split("; ").includes(each));
  the.report("the page's own policy", lacking.join() || "strict", "", lacking.length === 0);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.injected = true";
    document.body.append(script);
  });
  const ran = await page.evaluate(() => globalThis.injected === true);
  the.report("a script written into the page does not run", ran ? "runs" : "yes", "", !ran);
  await context.close();
}

export const networkScenes = {onlyNodes};
