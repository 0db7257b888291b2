// One fake node that speaks the routes which the page uses: node fake_node.mjs PORT PORTS ASSETS RATE.
// PORTS are all nodes' ports, comma-separated; RATE is bytes per second on /ws/read, 0 for no limit.
// Files are shared through the folder FAKE_FILES. For developing the page and testing its player alone.
import {createServer} from "node:http";
import {createHash} from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  openSync,
  readSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";
import {access, authorized, maySocket, shares, ticketOf} from "./fake_access.mjs";
import {deleteExtra, extra, extraCount, page} from "./fake_library.mjs";
import {FakeMembers} from "./fake_members.mjs";

const [port, ports, assets, rate] = process.argv
  .slice(2)
  .map((each, i) => (i === 0 || i === 3 ? Number(each) : each));
const folder = process.env.FAKE_FILES;
const {WebSocketServer} = createRequire(join(process.env.CHISME_PAGE_MODULES, "package.json"))(
  "ws",
);
const all = ports.split(",").map(Number);
const frame = 64 * 1024;
const id = (of) => String(of).padStart(32, "0");
const origin = (of) => `http://127.0.0.1:${of}`;
const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
};
const typesOf = {txt: "text/plain", png: "image/png", bin: "application/octet-stream"};
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; " +
  "connect-src http: https: ws: wss:; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const born = Date.now();
const members = new FakeMembers({port, all, folder, origin, id});

function file(name) {
  const path = join(folder, encodeURIComponent(name));
  if (!existsSync(path)) return undefined;
  const {size, mtime} = statSync(path);
  const copies = Date.now() - mtime.getTime() > 1500 ? 3 : 2;
  return {
    name,
    size,
    type: typesOf[name.split(".").pop()] ?? "video/mp4",
    sha256: id(size),
    version: `v${mtime.getTime()}`,
    modified: mtime.toISOString(),
    copies,
    wanted: 3,
  };
}

function files() {
  return readdirSync(folder)
    .filter((each) => !each.startsWith("."))
    .map((each) => file(decodeURIComponent(each)));
}

function member(each, at) {
  const there = !["dead", "left"].includes(members.state(each));
  const wave = 1 + Math.sin(Date.now() / 4000 + at);
  return {
    node: id(each),
    http: origin(each),
    state: members.state(each),
    self: each === port,
    draining: false,
    in_flight: there ? 1 : 0,
    load: there ? 1 + wave : 0,
    capacity: there ? 1 : 0,
    bytes_per_second: there ? Math.round(600_000 * wave * at) : 0,
    disk_used: 0.4,
    health: 0,
    copies: files().length,
  };
}

function cluster() {
  const count = files().length;
  const young = files().filter((each) => each.copies < each.wanted).length;
  return {
    self: id(port),
    version: "0.1.0",
    in_touch: true,
    copies_wanted: 3,
    copies_durable: 2,
    files: count + extraCount(),
    max_file_size: Number(process.env.FAKE_MAX_SIZE ?? 0) || null,
    room: 50e9,
    under_replicated: Math.max(young, members.missing(count)),
    lost: 0,
    repairs_pending: members.repairing(count),
    local: true,
    members: all.map(member),
  };
}

function replicas() {
  return all
    .slice(1)
    .concat(all[0])
    .map((each) => ({node: id(each), http: origin(each), ws: `ws://127.0.0.1:${each}`, load: 0.1}));
}

const server = createServer((request, response) => {
  const url = new URL(request.url, origin(port));
  response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
  response.setHeader("Access-Control-Allow-Methods", "GET, HEAD, PATCH, DELETE, POST, OPTIONS");
  response.setHeader(
    "Access-Control-Allow-Headers",
    "authorization, content-type, if-match, tus-resumable, upload-length, upload-metadata, upload-offset",
  );
  response.setHeader(
    "Access-Control-Expose-Headers",
    "Link, Location, Upload-Offset, Upload-Length, Tus-Resumable",
  );
  const json = (value, status = 200) => {
    response.writeHead(status, {
      "Content-Type": status < 400 ? "application/json" : "application/problem+json",
    });
    response.end(JSON.stringify(value));
  };
  if (request.method === "OPTIONS") return response.writeHead(204).end();
  if (url.pathname === "/healthz") return response.end("ok");
  if (url.pathname === "/access") return json(access(request));
  if (!authorized(request, url, response, json)) return;
  if (url.pathname.startsWith("/shares")) return shares(request, response, url, json);
  if (url.pathname === "/cluster") return json(cluster());
  const [, deed] = /^\/cluster\/local\/(\w+)$/.exec(url.pathname) ?? [];
  if (deed && request.method === "POST") {
    const [status, detail] = members.operate(deed, url.searchParams.get("http"));
    return detail ? json({title: "Refused", status, detail}, status) : response.writeHead(204).end();
  }
  if (url.pathname === "/files") return json(page(files(), url.searchParams));
  if (url.pathname === "/route") {
    const found = file(url.searchParams.get("file"));
    return found
      ? json({...found, file: found.name, replicas: replicas()})
      : json({title: "Not Found", detail: "There is no such file."}, 404);
  }
  if (url.pathname.startsWith("/uploads")) return upload(request, response, url);
  if (url.pathname === "/files") {
    const prefix = url.searchParams.get("prefix") ?? "";
    return json({files: files().filter(({name}) => name.startsWith(prefix)), next: null});
  }
  if (url.pathname === "/client") {
    response.setHeader("Content-Disposition", "attachment");
    url.pathname = "/files/" + url.searchParams.get("file").split("/").map(encodeURIComponent).join("/");
  }
  if (url.pathname.startsWith("/files/")) return oneFile(request, response, url, json);
  const path = url.pathname === "/" ? "/index.html" : url.pathname;
  if (!existsSync(join(assets, path)))
    return json({title: "Not Found", detail: `Nothing is at ${path}.`}, 404);
  response.setHeader("Content-Type", types[path.split(".").pop()]);
  response.setHeader("Content-Security-Policy", csp);
  response.end(readFileSync(join(assets, path)));
});

function oneFile(request, response, url, json) {
  const name = url.pathname.slice("/files/".length).split("/").map(decodeURIComponent).join("/");
  const path = join(folder, encodeURIComponent(name));
  const seen = request.headers["if-match"];
  if (request.method === "DELETE" && seen && existsSync(path) && seen !== `"${file(name).sha256}"`) {
    json({title: "Precondition Failed", detail: "It is another file now."}, 412);
  } else if (request.method === "DELETE") {
    if (!deleteExtra(name) && existsSync(path)) unlinkSync(path);
    response.writeHead(204).end();
  } else if (!existsSync(path)) {
    json({title: "Not Found", detail: "There is no such file."}, 404);
  } else {
    const ticket = ticketOf(request, name);
    if (ticket) response.setHeader("Link", `<${origin(port)}${url.pathname}?share=${ticket}>; rel=duplicate; pri=1`);
    response.setHeader("Content-Type", "video/mp4");
    if (request.method === "HEAD") response.end();
    else createReadStream(path).pipe(response);
  }
}

// tus: an upload is two hidden files, its name and length and its bytes, which all nodes share.
function upload(request, response, url) {
  const created = url.pathname === "/uploads" ? String(Math.random()).slice(2) : undefined;
  const own = created ?? url.pathname.slice("/uploads/".length);
  const [about, bytes] = [join(folder, `.about-${own}`), join(folder, `.bytes-${own}`)];
  if (created) {
    const [, name] = /filename (\S+?)(,|$)/.exec(request.headers["upload-metadata"]);
    const length = Number(request.headers["upload-length"]);
    writeFileSync(about, JSON.stringify({name: Buffer.from(name, "base64").toString(), length}));
    writeFileSync(bytes, "");
    response.setHeader("Location", `/uploads/${own}`);
  }
  if (!existsSync(about)) return response.writeHead(404).end();
  const {name, length} = JSON.parse(readFileSync(about));
  const done = (status) => {
    const offset = existsSync(bytes) ? statSync(bytes).size : length;
    response.setHeader("Upload-Offset", offset);
    response.setHeader("Upload-Length", length);
    if (offset === length && existsSync(bytes)) {
      renameSync(bytes, join(folder, encodeURIComponent(name)));
    }
    response.writeHead(status).end();
  };
  if (request.method === "HEAD") return done(200);
  request.pipe(createWriteStream(bytes, {flags: "a"})).on("finish", () => done(created ? 201 : 204));
}

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => offered.has("chisme") && "chisme",
});
server.on("upgrade", (request, socket, head) => {
  if (!maySocket(request)) return socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
  sockets.handleUpgrade(request, socket, head, (ws) => {
    if (request.url.startsWith("/ws/read")) reader(ws);
    else feed(ws);
  });
});

const listeners = new Set();
members.tell = (news) => listeners.forEach((send) => send(news));

function feed(ws) {
  const send = (value) => ws.send(JSON.stringify(value));
  let known = new Map(files().map((each) => [each.name, JSON.stringify(each)]));
  send({type: "state", cluster: cluster(), files: [...files(), ...extra()].slice(0, 1000)});
  listeners.add(send);
  const timer = setInterval(() => {
    send({type: "cluster", cluster: cluster()});
    const now = new Map(files().map((each) => [each.name, JSON.stringify(each)]));
    for (const [name, text] of now)
      if (known.get(name) !== text)
        send({type: "file", name, removed: false, file: JSON.parse(text)});
    for (const name of known.keys()) if (!now.has(name)) send({type: "file", name, removed: true});
    known = now;
  }, 500);
  ws.on("close", () => {
    clearInterval(timer);
    listeners.delete(send);
  });
}

// Answers in order, at most `rate` bytes per second in all.
let free = 0;
function reader(ws) {
  const queue = [];
  let running = false;
  ws.on("message", (text) => {
    const ask = JSON.parse(text);
    if (ask.op === "cancel") {
      const at = queue.findIndex((each) => each.id === ask.id);
      if (at >= 0) queue.splice(at, 1);
    } else {
      queue.push(ask);
    }
    run();
  });
  async function run() {
    if (running) return;
    running = true;
    while (queue.length > 0 && ws.readyState === 1) {
      const ask = queue[0];
      const length = Math.min(frame, ask.length);
      const message = Buffer.alloc(12 + length);
      message.writeUInt32BE(ask.id, 0);
      message.writeBigUInt64BE(BigInt(ask.offset), 4);
      const descriptor = openSync(join(folder, encodeURIComponent(ask.file)));
      readSync(descriptor, message, 12, length, ask.offset);
      (await import("node:fs")).closeSync(descriptor);
      if (rate > 0) {
        free = Math.max(free, Date.now()) + (length * 1000) / rate;
        await new Promise((resolve) => setTimeout(resolve, free - Date.now()));
      }
      ws.send(message);
      ask.offset += length;
      ask.length -= length;
      if (ask.length <= 0 && queue[0] === ask) queue.shift();
    }
    running = false;
  }
}

server.listen(port, "127.0.0.1", () => console.log(`listening ${port} ${Date.now() - born} ms`));
