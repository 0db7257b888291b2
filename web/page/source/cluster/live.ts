import {signal} from "@preact/signals";
import {host} from "../format";
import {cluster, nodeName} from "../state";
import {t, type TextKey} from "../text";
import type {Cluster, ClusterMessage, Member} from "../types";
import {History} from "./history";
import {Announcer, Journal, type Happening, type Kind} from "./journal";
import {Merge} from "./merge";
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
const merge = new Merge();
const pendingElsewhere = new Map<string, number>(); // repairs, of nodes that are heard too
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

type Said = [key: TextKey, ...values: string[]];

function note(kind: Kind, said: Said, at = Date.now()): void {
  journal.add(kind, said.join(" "), () => t(...said), at);
}

// Also for those who listen.
function announce(kind: Kind, said: Said, at = Date.now()): void {
  note(kind, said, at);
  announcer.add(() => t(...said));
}

export function sawCluster(before: Cluster | undefined, now: Cluster): void {
  for (const {node, state, draining} of now.members) {
    if (!before) told.set(node, state);
    tellState(node, state);
    const leaves = before?.members.some((each) => each.node === node && !each.draining);
    if (draining && leaves) announce("node", ["event_draining", nodeName(node)]);
  }
  teller.saw({...now, repairs_pending: allPending(now)}, Date.now());
}

export function pageMoved(from: string, to: string, after: number): void {
  announce("page", ["event_moved", host(from), host(to)]);
  const node = cluster.value?.members.find((each) => each.http === from)?.node;
  if (node) teller.pageMoved(node, to, after, Date.now());
}

// Of the page's own node.
export function heard(news: ClusterMessage): void {
  if (news.type === "file") {
    note("file", [news.removed ? "event_removed" : "event_stored", news.name]);
  } else if (news.type === "member") {
    tellState(news.node, news.state);
  } else if (cluster.value) {
    tell(cluster.value.self, news);
  }
}

// Of another one, which knows of files and members what all know.
export function heardOther(node: string, news: ClusterMessage): void {
  if (news.type === "cluster") pendingElsewhere.set(node, news.cluster.repairs_pending);
  else tell(node, news);
}

export function silentOther(node: string): void {
  pendingElsewhere.delete(node);
}

function allPending({repairs_pending}: Cluster): number {
  return [...pendingElsewhere.values()].reduce((sum, each) => sum + each, repairs_pending);
}

// What only the nodes concerned tell.
function tell(teller: string, news: ClusterMessage): void {
  const at = merge.admit(teller, news, Date.now());
  if (at === undefined) return;
  switch (news.type) {
    case "repair":
      return tellRepair({...news, from: news.from ?? teller}, at);
    case "lost":
      return announce("file", ["event_lost", news.sha256.slice(0, 12)], at);
    case "redirect":
      return tellRedirect(news.file, news.from ?? teller, news.to, at);
    case "departure":
      return announce("node", ["event_departure", nodeName(teller), String(news.files_left)], at);
    case "refused":
      return announce("node", ["event_refused", news.peer], at);
  }
}

function tellState(node: string, state: Member["state"]): void {
  if (told.get(node) !== state) announce("node", [`event_${state}`, nodeName(node)]);
  told.set(node, state);
  teller.became(node, state, Date.now());
}

type Repair = Extract<ClusterMessage, {type: "repair"}> & {from: string};

// An older node does not say who sends it the copies that it fetches.
function tellRepair({from, target, stage}: Repair, at: number): void {
  const sender = from === target ? undefined : from;
  const said: Record<string, Said> = {
    started: sender
      ? ["event_copy_from", nodeName(sender), nodeName(target)]
      : ["event_copy_started", nodeName(target)],
    finished: ["event_copy_finished", nodeName(target)],
    failed: ["event_copy_failed", nodeName(target)],
  };
  if (stage === "started") traffic.add("repair", sender, target, Date.now());
  teller.copied(sender, target, stage);
  if (said[stage]) note("copy", said[stage], at);
}

function tellRedirect(file: string, from: string, to: string, at: number): void {
  traffic.add("redirect", from, to, Date.now());
  teller.redirected(to);
  note("client", ["event_redirect", file, nodeName(to)], at);
}
