import {computed, effect, signal} from "@preact/signals";
import {Feed} from "./feed";
import {filePath, host} from "./format";
import {Nodes, problemOf, unreachable} from "./nodes";
import {t} from "./text";
import type {Cluster, ClusterMessage, StoredFile} from "./types";

// What the page knows, as signals that the views read.

export const nodes = new Nodes(location.origin, safeStorage());
export const connection = signal<{origin: string; alive: boolean}>({origin: "", alive: false});
export const cluster = signal<Cluster | undefined>(undefined);
export const files = signal<ReadonlyMap<string, StoredFile> | undefined>(undefined);
export const search = signal("");
export const notice = signal<{sentence: string; bad: boolean} | undefined>(undefined);
export const events = signal<readonly string[]>([]);
export const playing = signal<StoredFile | undefined>(undefined);

const eventsKept = 8;
const filesListed = 1000;
const refreshPause = 400; // ms
const searchPause = 250; // ms after the last key
let refreshing: ReturnType<typeof setTimeout> | undefined;
let searching: ReturnType<typeof setTimeout> | undefined;

export const shown = computed(() => {
  const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const all = [...(files.value?.values() ?? [])];
  const match = (name: string) => words.every((word) => name.toLocaleLowerCase().includes(word));
  return all
    .filter((file) => match(file.name))
    .sort((a, b) => b.modified.localeCompare(a.modified) || a.name.localeCompare(b.name));
});

export function start(): void {
  void useMemberAddress();
  const feed = new Feed(nodes, {connected, lost, message});
  feed.connect();
  effect(() => {
    const words = search.value;
    clearTimeout(searching);
    if (words) searching = setTimeout(() => void searchFurther(words), searchPause);
  });
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

// The feed lists the first files only: more of them are asked for by the start of their names.
async function searchFurther(words: string): Promise<void> {
  if (!files.value || (cluster.value?.files ?? 0) <= files.value.size) return;
  const response = await nodes.fetchAny(`/files?limit=200&prefix=${encodeURIComponent(words)}`);
  if (!response.ok) return;
  const found: {files: StoredFile[]} = await response.json();
  const all = new Map(files.value);
  for (const file of found.files) if (!file.incomplete) all.set(file.name, file);
  files.value = all;
}

export function say(sentence: string, bad = false): void {
  notice.value = {sentence, bad};
}

// What a member is called for people: its address, else the start of its id.
export function nodeName(node: string): string {
  const member = cluster.value?.members.find((each) => each.node === node);
  return member?.http ? host(member.http) : node.slice(0, 8);
}

export async function remove(file: StoredFile): Promise<void> {
  try {
    const response = await withAnyNode((origin) =>
      fetch(origin + filePath(file.name), {method: "DELETE"}),
    );
    if (!response.ok && response.status !== 404) {
      throw problemOf(response.status, await response.text());
    }
    forget(file.name);
    say(t("deleted", file.name));
  } catch (failure) {
    say(failure instanceof Error ? failure.message : String(failure), true);
  }
}

// Tries each known node once, until one answers at all.
async function withAnyNode(ask: (origin: string) => Promise<Response>): Promise<Response> {
  for (const origin of nodes.all.slice()) {
    try {
      return await ask(origin);
    } catch {
      nodes.silent(origin);
    }
  }
  throw unreachable();
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
      files.value = new Map(news.files.map((file) => [file.name, file]));
      see(news.cluster);
      break;
    case "cluster":
      see(news.cluster);
      break;
    case "file":
      if (news.removed) forget(news.name);
      else if (news.file) files.value = new Map(files.value).set(news.name, news.file);
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

// Reads the list again, at most once in a while.
function refreshSoon(): void {
  refreshing ??= setTimeout(() => {
    refreshing = undefined;
    void refresh().catch(() => undefined); // the feed's next message tries again
  }, refreshPause);
}

async function refresh(): Promise<void> {
  const response = await nodes.fetchAny(`/files?limit=${filesListed}`);
  if (!response.ok) return;
  const list: {files: StoredFile[]; next: string | null} = await response.json();
  const complete = list.files.filter((file) => !file.incomplete);
  const fresh = new Map(complete.map((file) => [file.name, file]));
  if (list.next)
    for (const [name, file] of files.value ?? []) if (!fresh.has(name)) fresh.set(name, file);
  files.value = fresh;
}

function forget(name: string): void {
  const rest = new Map(files.value);
  rest.delete(name);
  files.value = rest;
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
