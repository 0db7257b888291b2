import {signal} from "@preact/signals";
import {heard, pageMoved, sawCluster, startLive} from "./cluster/live";
import {Feed} from "./feed";
import {host} from "./format";
import {forget, listed, refreshSoon, stored, watchSearch} from "./library";
import {Nodes} from "./nodes";
import {safeStorage} from "./storage";
import {t} from "./text";
import type {Cluster, ClusterMessage} from "./types";

// What the page knows, as signals that the views read.

export const nodes = new Nodes(location.origin, safeStorage());
export const connection = signal<{origin: string; alive: boolean}>({origin: "", alive: false});
export const cluster = signal<Cluster | undefined>(undefined);
export const notice = signal<{sentence: string; bad: boolean} | undefined>(undefined);
// When no node answers: which were tried, and when they are tried again.
export const outage = signal<{tried: readonly string[]; next: number} | undefined>(undefined);

export {safeStorage};

let feed: Feed | undefined;

export function start(): void {
  void useMemberAddress().catch(() => undefined); // of a dead node: the page stays as it is
  feed = new Feed(nodes, {connected, lost, message, nobody});
  feed.connect();
  startLive();
  watchSearch();
}

export function tryNow(): void {
  feed?.tryNow();
}

// The nodes know each other as 127.0.0.1 and trust pages from there: a page opened as "localhost"
// would be a stranger to all but its own node.
async function useMemberAddress(): Promise<void> {
  if (location.hostname !== "localhost") return;
  const now: Cluster = await (await fetch("/cluster")).json();
  const own = now.members.find((each) => each.self)?.http;
  if (own === `${location.protocol}//127.0.0.1:${location.port}`) {
    location.replace(own + location.pathname + location.search);
  }
}

export function say(sentence: string, bad = false): void {
  notice.value = {sentence, bad};
}

// What a member is called for people: its address, else the start of its id.
export function nodeName(node: string): string {
  const member = cluster.value?.members.find((each) => each.node === node);
  return member?.http ? host(member.http) : node.slice(0, 8);
}

let left: {origin: string; at: number} | undefined;

function connected(origin: string): void {
  connection.value = {origin, alive: true};
  outage.value = undefined;
  if (left && left.origin !== origin) {
    say(t("moved", host(left.origin), host(origin)));
    pageMoved(left.origin, origin, Date.now() - left.at);
  }
  left = undefined;
}

function lost(origin: string): void {
  if (connection.value.alive) left = {origin, at: Date.now()};
  connection.value = {origin, alive: false};
}

function nobody(tried: readonly string[], next: number): void {
  outage.value = {tried, next};
}

function message(news: ClusterMessage): void {
  switch (news.type) {
    case "state":
      listed(news.files);
      see(news.cluster);
      break;
    case "cluster":
      see(news.cluster);
      break;
    case "file":
      if (news.removed) forget(news.name);
      else if (news.file) stored(news.file);
      break;
    case "repair":
      refreshSoon();
      break;
  }
  heard(news);
}

function see(now: Cluster): void {
  if (cluster.value && holdings(cluster.value) !== holdings(now)) refreshSoon();
  const before = cluster.value;
  cluster.value = now;
  sawCluster(before, now);
  nodes.learn(now.members.filter((each) => each.state !== "left").map((each) => each.http));
}

// Who is there and how many copies each holds: when it changes, so do the files' counts of copies.
function holdings(now: Cluster): string {
  return now.members
    .map((each) => `${each.node} ${each.state} ${each.copies}`)
    .sort()
    .join();
}
