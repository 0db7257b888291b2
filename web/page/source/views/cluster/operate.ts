import {signal} from "@preact/signals";
import {ask} from "../../access/ask";
import {problemOf, unreachable} from "../../nodes";
import {cluster, connection, nodeName, say} from "../../state";
import type {Cluster, Member} from "../../types";
import {t} from "./words";

// What an operator can do with a node. Each says what happens next.

export type Deed = "kill" | "start" | "stop" | "cont";

// Nodes that this page stopped: they look dead, but only have to go on.
export const stopped = signal<ReadonlySet<string>>(new Set());

export async function drain(member: Member): Promise<void> {
  await tell(() => post(member.http, "/cluster/drain"), t("drain_said", nodeName(member.node)));
}

export async function operate(deed: Deed, member: Member): Promise<void> {
  const path = `/cluster/local/${deed}?http=${encodeURIComponent(member.http)}`;
  const done = await tell(() => askFor(path, member), t(`${deed}_said`, nodeName(member.node)));
  if (!done) return;
  const list = new Set(stopped.value);
  if (deed === "stop") list.add(member.node);
  else list.delete(member.node);
  stopped.value = list;
}

// Asks a node that will live to answer; the last one alone can only be asked for its own end.
async function askFor(path: string, target: Member): Promise<void> {
  const others = cluster.value?.members.filter(
    (each) => each.state === "alive" && each.http !== target.http,
  );
  const here = others?.find((each) => each.http === connection.value.origin);
  const asked = here ?? others?.[0];
  if (asked) return post(asked.http, path);
  await post(target.http, path).catch((failure: {status?: number}) => {
    if (failure.status !== 0) throw failure;
  });
}

async function tell(deed: () => Promise<void>, sentence: string): Promise<boolean> {
  try {
    await deed();
    say(sentence);
    return true;
  } catch (failure) {
    say(t("not_done", failure instanceof Error ? failure.message : String(failure)), true);
    return false;
  }
}

const answerWithin = 15_000; // ms: a start waits until the node runs

async function post(origin: string, path: string): Promise<void> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), answerWithin);
  try {
    const asked = ask(origin + path, {method: "POST", signal: abort.signal});
    const response = await asked.catch(() => Promise.reject(unreachable()));
    if (!response.ok) throw problemOf(response.status, await response.text());
  } finally {
    clearTimeout(timer);
  }
}

// What the node says of the cluster, when it answers this page.
export async function viewOf(member: Member): Promise<Cluster | undefined> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 1200);
  try {
    const options = {signal: abort.signal, cache: "no-store"} as const;
    const response = await ask(member.http + "/cluster", options);
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
