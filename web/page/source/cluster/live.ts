import {signal} from "@preact/signals";
import {host} from "../format";
import {cluster, nodeName} from "../state";
import {t, type TextKey} from "../text";
import type {Cluster, ClusterMessage, Member} from "../types";
import {History} from "./history";
import {Announcer, Journal, type Happening, type Kind} from "./journal";
import {Storyteller, type Story} from "./story";
import {Traffic, type Flow} from "./traffic";

// What happens in the cluster, as signals: at most five times a second, however much happens.

export const happenings = signal<readonly Happening[]>([]);
export const stories = signal<readonly Story[]>([]);
export const flows = signal<readonly Flow[]>([]);
export const seconds = signal(0); // moves with each sample of `history`
export const announcement = signal("");
export const history = new History();

const beat = 200; // ms
const newsBeat = 500;
const journal = new Journal();
const teller = new Storyteller();
const traffic = new Traffic();
const told = new Map<string, Member["state"]>();
const announcer = new Announcer((sentences) => (announcement.value = sentences));

export function startLive(): void {
  setInterval(showFlows, beat);
  setInterval(showNews, newsBeat);
  setInterval(sample, 1000);
}

function showFlows(): void {
  traffic.expire(Date.now());
  flows.value = traffic.flows;
}

function showNews(): void {
  happenings.value = journal.list;
  stories.value = teller.stories;
}

function sample(): void {
  if (!cluster.value) return;
  history.sample(cluster.value.members, Date.now());
  seconds.value += 1;
}

export function note(kind: Kind, key: TextKey, ...values: string[]): void {
  journal.add(kind, [key, ...values].join(" "), () => t(key, ...values), Date.now());
}

// Also for those who listen.
function announce(kind: Kind, key: TextKey, ...values: string[]): void {
  note(kind, key, ...values);
  announcer.add(() => t(key, ...values));
}

export function sawCluster(before: Cluster | undefined, now: Cluster): void {
  for (const {node, state, draining} of now.members) {
    if (!before) told.set(node, state);
    tellState(node, state);
    const leaves = before?.members.some((each) => each.node === node && !each.draining);
    if (draining && leaves) announce("node", "event_draining", nodeName(node));
  }
  teller.saw(now, Date.now());
}

export function pageMoved(from: string, to: string, after: number): void {
  announce("page", "event_moved", host(from), host(to));
  const node = cluster.value?.members.find((each) => each.http === from)?.node;
  if (node) teller.pageMoved(node, to, after, Date.now());
}

export function heard(news: ClusterMessage): void {
  switch (news.type) {
    case "file":
      return note("file", news.removed ? "event_removed" : "event_stored", news.name);
    case "member":
      return tellState(news.node, news.state);
    case "repair":
      return tellRepair(news.target, news.stage);
    case "lost":
      return announce("file", "event_lost", news.sha256.slice(0, 12));
    case "redirect":
      return tellRedirect(news.file, news.to);
    case "departure":
      return announce("node", "event_departure", String(news.files_left));
    case "refused":
      return announce("node", "event_refused", news.peer);
  }
}

function tellState(node: string, state: Member["state"]): void {
  if (told.get(node) !== state) announce("node", `event_${state}`, nodeName(node));
  told.set(node, state);
  teller.became(node, state, Date.now());
}

// A node tells of the copies that it sends and of those that it fetches, without their senders.
function tellRepair(target: string, stage: string): void {
  const self = cluster.value?.self;
  if (stage === "started") {
    traffic.add("repair", target === self ? undefined : self, target, Date.now());
  }
  const keys: Record<string, TextKey> = {
    started: "event_copy_started",
    finished: "event_copy_finished",
    failed: "event_copy_failed",
  };
  const key = keys[stage];
  if (key) note("copy", key, nodeName(target));
}

function tellRedirect(file: string, to: string): void {
  traffic.add("redirect", cluster.value?.self, to, Date.now());
  teller.redirected(to);
  note("client", "event_redirect", file, nodeName(to));
}
