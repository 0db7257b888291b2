import {computed, effect, signal, untracked} from "@preact/signals";
import {ask, doubts, tokens} from "./access/ask";
import {carriedOn, changes, look, role, takeFromAddress, watchOtherTabs} from "./access/rights";
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
// Whether what is deleted can be restored.
export const keepsTrash = computed(() => (cluster.value?.trash_seconds ?? 0) > 0);
export const notice = signal<{sentence: string; bad: boolean} | undefined>(undefined);
// When no node answers: which were tried, and when they are tried again.
export const outage = signal<{tried: readonly string[]; next: number} | undefined>(undefined);

export {safeStorage};

const accessPatience = 1500; // ms

let feed: Feed | undefined;

export function start(): void {
  feed = new Feed(nodes, {connected, lost, message, nobody});
  startLive();
  const late = new Promise((resolve) => setTimeout(resolve, accessPatience));
  void Promise.race([lookAtAccess(), late]).then(follow);
}

// First what the page may do: a feed that is refused tells no reason.
function lookAtAccess(): Promise<void> {
  return look(nodes).catch(() => undefined); // the feed finds out whether anybody answers
}

function follow(): void {
  const reads = computed(() => role.value !== "none");
  effect(() => {
    void changes.value; // the next feed is opened with what is held now
    feed!.close();
    if (reads.value) untracked(begin);
    else connection.value = {...connection.peek(), alive: false};
  });
  watchSearch();
  watchOtherTabs(nodes);
  effect(() => void (doubts.value > 0 && lookAtAccess()));
  addEventListener("hashchange", () => void (takeFromAddress() && lookAtAccess()));
}

function begin(): void {
  feed!.connect();
  void useMemberAddress().catch(() => undefined); // of a dead node: the page stays as it is
}

export function tryNow(): void {
  feed?.tryNow();
}

// The nodes know each other as 127.0.0.1 and trust pages from there: a page opened as "localhost"
// would be a stranger to all but its own node.
async function useMemberAddress(): Promise<void> {
  if (location.hostname !== "localhost") return;
  const now: Cluster = await (await ask(location.origin + "/cluster")).json();
  const own = now.members.find((each) => each.self)?.http;
  if (own === `${location.protocol}//127.0.0.1:${location.port}`) {
    location.replace(carriedOn(own + location.pathname + location.search));
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
  void lookAtAccess(); // or was it refused?
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
  const there = now.members.filter((each) => each.state !== "left").map((each) => each.http);
  nodes.learn(there);
  tokens.trust(connection.value.origin, there);
}

// Who is there and how many copies each holds: when it changes, so do the files' counts of copies.
function holdings(now: Cluster): string {
  return now.members
    .map((each) => `${each.node} ${each.state} ${each.copies}`)
    .sort()
    .join();
}
