// Access of a fake node, as the nodes have it: FAKE_ACCESS is open (as without it), read or token. Its
// tokens are chisme-token-ROLE; share links are kept in FAKE_FILES, so that all fake nodes know them.
import {existsSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";

const mode = process.env.FAKE_ACCESS ?? "open";
const kept = join(process.env.FAKE_FILES, ".shares");
const revokedTokens = join(process.env.FAKE_FILES, ".revoked");
const ranks = ["none", "read", "write", "admin"];

const known = () => (existsSync(kept) ? JSON.parse(readFileSync(kept)) : {});
const isRevoked = (token) =>
  existsSync(revokedTokens) && readFileSync(revokedTokens, "utf8").split("\n").includes(token);

function given(request) {
  const [, header] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  const [, protocol] =
    /chisme\.bearer\.([\w.~-]+)/.exec(request.headers["sec-websocket-protocol"] ?? "") ?? [];
  return header ?? protocol;
}

function roleOf(request) {
  const token = given(request);
  if (!token) return mode === "open" ? "admin" : mode === "read" ? "read" : "none";
  const [, role] = /^chisme-token-(read|write|admin)$/.exec(token) ?? [];
  return role && !isRevoked(token) ? role : "none";
}

export function access(request) {
  const role = roleOf(request);
  return {access: mode, role, expires: null, shares: mode !== "open"};
}

export const maySocket = (request) => roleOf(request) !== "none";

function wanted(request, url) {
  if (/^\/(files|uploads|cluster|client|route|shares|metrics)/.test(url.pathname)) {
    if (/^\/cluster\/(drain|local)/.test(url.pathname)) return "admin";
    return ["GET", "HEAD"].includes(request.method) ? "read" : "write";
  }
  return "none"; // the page itself
}

// Answers the request, and false, when it may not be.
export function authorized(request, url, response, json) {
  const [role, needed] = [roleOf(request), wanted(request, url)];
  if (ranks.indexOf(role) >= ranks.indexOf(needed)) return true;
  if (shared(request, url)) return true;
  if (url.searchParams.has("share")) {
    json({title: "Forbidden", detail: "This link opens nothing any more."}, 403);
    return false;
  }
  const lacking = role === "none";
  const error = lacking ? (given(request) ? ', error="invalid_token"' : "") : ', error="insufficient_scope"';
  response.setHeader("WWW-Authenticate", `Bearer realm="chisme"${error}`);
  json({title: "No access", detail: "A fake node wants another token."}, lacking ? 401 : 403);
  return false;
}

const fileOf = (url) =>
  url.searchParams.get("file") ?? decodeURIComponent(url.pathname.slice("/files/".length));

function shared(request, url) {
  const link = url.searchParams.get("share");
  if (!link || !["GET", "HEAD"].includes(request.method)) return false;
  if (link === ticketFor(fileOf(url))) return true;
  const all = known();
  const share = all[link.replace(/^text-/, "")];
  if (!share || share.name !== fileOf(url) || Date.parse(share.expires) < Date.now()) return false;
  if (share.downloads !== null && share.used >= share.downloads) return false;
  share.used += 1;
  writeFileSync(kept, JSON.stringify(all));
  return true;
}

const ticketFor = (name) => "ticket-" + Buffer.from(name).toString("base64url");

// For who read the file by a token.
export const ticketOf = (request, name) => mode === "token" && given(request) && ticketFor(name);

export function shares(request, response, url, json) {
  const all = known();
  if (request.method === "DELETE") {
    delete all[url.pathname.slice("/shares/".length)];
    writeFileSync(kept, JSON.stringify(all));
    return response.writeHead(204).end();
  }
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const {name, seconds, downloads = null} = JSON.parse(body);
    const id = "link" + Math.random().toString(36).slice(2);
    const expires = new Date(Date.now() + seconds * 1000).toISOString();
    writeFileSync(kept, JSON.stringify({...all, [id]: {name, expires, downloads, used: 0}}));
    const path = name.split("/").map(encodeURIComponent).join("/");
    json({url: `/files/${path}?share=text-${id}`, id, expires, downloads}, 201);
  });
}
