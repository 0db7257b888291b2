import {signal} from "@preact/signals";
import {Feed} from "./feed";
import {host} from "./format";
import {forget, listed, refreshSoon, stored, watchSearch} from "./library";
import {Nodes} from "./nodes";
import {t} from "./text";
import type {Cluster, ClusterMessage} from "./types";

// What the page knows, as signals that the views read.

export const nodes = new Nodes(location.origin, safeStorage());
export const connection = signal<{origin: string; alive: boolean}>({origin: "", alive: false});
export const cluster = signal<Cluster | undefined>(undefined);
export const notice = signal<{sentence: string; bad: boolean} | undefined>(undefined);
export const events = signal<readonly string[]>([]);

const eventsKept = 8;

export function start(): void {
  void useMemberAddress();
  const feed = new Feed(nodes, {connected, lost, message});
  feed.connect();
  watchSearch();
}

// The nodes know each other as 127.0.0.1 and trust pages from there: a page opened as "localhost"
// would be a stranger to all but its own node.
async function useMemberAddress(): Promise<void> {
  if (location.hostname !== "localhost") return;
  const now: Cluster = await (await fetch("/cluster")).json();
  const own = now.members.find((each) => each.self)?.http;
  if (own === `http://127.0.0.1:${location.port}`) {
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

let lostOrigin = "";

function connected(origin: string): void {
  connection.value = {origin, alive: true};
  if (lostOrigin && lostOrigin !== origin) say(t("moved", host(lostOrigin), host(origin)));
  lostOrigin = "";
}

function lost(origin: string): void {
  if (connection.value.alive) lostOrigin = origin;
  connection.value = {origin, alive: false};
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
    case "member":
      note(t("event_member", news.http ? host(news.http) : nodeName(news.node), t(news.state)));
      break;
    case "repair":
      note(t("event_repair", nodeName(news.target), news.stage));
      refreshSoon();
      break;
    case "lost":
      note(t("event_lost", news.sha256.slice(0, 12)));
      break;
    case "redirect":
      break; // of use to whoever was redirected, not to a person
  }
}

function see(now: Cluster): void {
  if (cluster.value && holdings(cluster.value) !== holdings(now)) refreshSoon();
  cluster.value = now;
  nodes.learn(now.members.filter((each) => each.state !== "left").map((each) => each.http));
}

// Who is there and how many copies each holds: when it changes, so do the files' counts of copies.
function holdings(now: Cluster): string {
  return now.members
    .map((each) => `${each.node} ${each.state} ${each.copies}`)
    .sort()
    .join();
}

function note(sentence: string): void {
  const time = new Date().toLocaleTimeString();
  events.value = [`${time} ${sentence}`, ...events.value].slice(0, eventsKept);
}

export function safeStorage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
