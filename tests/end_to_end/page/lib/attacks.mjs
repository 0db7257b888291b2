// Files that try to run script where they are opened, and little servers: one that notices when they
// do, and others that serve such files with less care than a node.
import {createServer} from "node:http";

const tell = (canary, what) =>
  `console.log("canary ${what}"); fetch("${canary}/hit/${what}", {mode: "no-cors"});`;

// By what they try: names, types and bytes. Each tells the canary when it comes through.
export function attacks(canary) {
  const say = (what) => tell(canary, what);
  const script = (text) => `<script>${text}</script>`;
  const pages = {
    inline: script(say("inline")),
    onload: `<body onload='${say("onload")}'>`,
    onerror: `<img src="nothing" onerror='${say("onerror")}'>`,
    external: `<script src="${canary}/external.js"></script>`,
    stored: `<script src="/files/stored.js"></script>`,
    frame: `<iframe src='javascript:${say("frame")}'></iframe>`,
    link: `<a href='javascript:${say("link")}'>more</a>`,
    refresh: `<meta http-equiv="refresh" content="0;url=${canary}/hit/refresh">`,
    form: `<form action="${canary}/hit/form"></form>${script("document.forms[0].submit()")}`,
    read: script(`fetch("/files").then((answer) => answer.text()).then(() => {${say("read")}})`),
    opener: script(`(opener ?? parent).postMessage("opener", "*")`),
    storage: script(`localStorage.setItem("canary", "here"); ${say("storage")}`),
    worker: script(`navigator.serviceWorker.register("/files/stored.js")`),
    dialog: script(`alert("canary")`),
  };
  const drawings = {
    "svg-inline": ["", script(say("svg-inline"))],
    "svg-onload": [`onload='${say("svg-onload")}'`, ""],
    "svg-external": ["", `<script href="${canary}/external-svg.js"/>`],
  };
  const list = Object.entries(pages).map(([what, body]) => ({
    what,
    name: `${what}.html`,
    type: "text/html",
    body: `<!doctype html><title>calm</title>${body}`,
  }));
  for (const [what, [attribute, body]] of Object.entries(drawings)) {
    const text = `<svg xmlns="http://www.w3.org/2000/svg" ${attribute}><title>calm</title>${body}</svg>`;
    list.push({what, name: `${what}.svg`, type: "image/svg+xml", body: text});
  }
  return list;
}

// The same page under names and types that do not say what it is.
export function disguises([{body}]) {
  const xhtml = `<html xmlns="http://www.w3.org/1999/xhtml"><head>${body.replace(/^.*<title>/, "<title>")}</head></html>`;
  return [
    {name: "photo.png", type: "image/png", body},
    {name: "notes.txt", type: "text/plain", body},
    {name: "nothing-known", type: "application/octet-stream", body},
    {name: "picture.jpg", type: "TEXT/HTML; charset=utf-8", body},
    {name: "drawing.png", type: "image/svg+xml;charset=utf-8", body: xhtml},
    {name: "page.xhtml", type: "application/xhtml+xml", body: xhtml},
    {name: "feed.xml", type: "text/xml", body: xhtml},
  ];
}

// Notices what comes through, and serves a page of another site to open things from.
export async function startCanary() {
  const hits = new Set();
  const server = await listening((request, response) => {
    const [, kind, what] = request.url.split(/[/?]/);
    if (kind === "hit") hits.add(what);
    const external = /^external/.test(kind);
    response.setHeader("Content-Type", external ? "text/javascript" : "text/html");
    const noticed = kind === "external.js" ? "external" : "svg-external";
    response.end(external ? tell(server.url, noticed) : "<!doctype html><title>foreign</title>");
  });
  return {...server, hits};
}

// Serves files by their names as it was told, with these headers and no others.
export function startHost(files, canary, headers = {}) {
  const stored = storedScript(canary);
  return listening((request, response) => {
    const name = decodeURIComponent(request.url.replace(/^\/files\/?/, ""));
    const file = [...files, stored].find((each) => each.name === name);
    response.writeHead(200, {"Content-Type": file?.type ?? "application/json", ...headers});
    response.end(file?.body ?? "{}");
  });
}

// Runs in a page and as a service worker.
export function storedScript(canary) {
  const body = `if ("document" in globalThis) {${tell(canary, "stored")}} else {${tell(canary, "worker")}}`;
  return {name: "stored.js", type: "text/javascript", body};
}

function listening(answer) {
  const server = createServer(answer);
  const end = () => (server.closeAllConnections?.(), server.close());
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve({url: `http://127.0.0.1:${server.address().port}`, end})),
  );
}
