import {ask} from "./access/ask";
import {may, readingIsGuarded} from "./access/rights";
import {filePath} from "./format";
import {problemOf} from "./nodes";
import {withAnyNode} from "./removal";
import {connection, nodes} from "./state";
import {t} from "./text";
import type {StoredFile} from "./types";

// At the node that answers now: the page's own may be dead.
function here(): string {
  return connection.value.origin || nodes.best;
}

export function downloadUrl(file: StoredFile): string {
  return `${here()}/client?file=${encodeURIComponent(file.name)}`;
}

export function linkTo(file: StoredFile): string {
  return here() + filePath(file.name);
}

// A file as a download where links alone are not answered.
export async function download(file: StoredFile): Promise<void> {
  const query = await ticketFor(file.name);
  const link = document.createElement("a");
  link.href = `${downloadUrl(file)}${query}`;
  link.download = file.name.split("/").pop()!;
  link.click();
}

// What a link to this file needs in its query so that it is answered: nothing, or "&share=TICKET",
// where the ticket reads this file for five minutes. A browser sends no token with a link.
//
// Who may read a file gets tickets for it from the nodes, in the links to its copies; a file without
// copies yet has none, and needs a share link, which not every role may make.
export async function ticketFor(name: string): Promise<string> {
  if (!readingIsGuarded.value) return "";
  const path = filePath(name) + "?via=proxy";
  const head = await withAnyNode((origin) =>
    ask(origin + path, {method: "HEAD", cache: "no-store"}),
  );
  if (!head.ok) throw problemOf(head.status, "");
  const [, ticket] = /[?&](share=[\w.~%-]+)/.exec(head.headers.get("Link") ?? "") ?? [];
  if (ticket) return `&${ticket}`;
  if (!may("write")) throw new Error(t("no_ticket", name));
  const {url} = await makeShare({name, seconds: ticketSeconds});
  return `&${url.slice(url.indexOf("?") + 1)}`;
}

const ticketSeconds = 300;

export interface ShareWanted {
  name: string;
  seconds: number;
  downloads?: number;
}

export interface ShareMade {
  url: string; // a path on every node
  id: string;
  expires: string;
  downloads: number | null;
}

export async function makeShare(wanted: ShareWanted): Promise<ShareMade> {
  const headers = {"Content-Type": "application/json"};
  const body = JSON.stringify(wanted);
  const response = await withAnyNode((origin) =>
    ask(origin + "/shares", {method: "POST", headers, body}),
  );
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response.json();
}

// Of a link that is over already there is nothing to revoke.
export async function revokeShare(id: string): Promise<void> {
  const response = await withAnyNode((origin) =>
    ask(`${origin}/shares/${encodeURIComponent(id)}`, {method: "DELETE"}),
  );
  const over = response.status === 404 || response.status === 410;
  if (!response.ok && !over) throw problemOf(response.status, await response.text());
}

export function shareLink({url}: ShareMade): string {
  return here() + url;
}
