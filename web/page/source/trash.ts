import {effect, signal} from "@preact/signals";
import {ask} from "./access/ask";
import {files} from "./library";
import {problemOf} from "./nodes";
import {withAnyNode} from "./removal";
import {cluster, nodes} from "./state";

// What was removed and can still be restored, a page of it at a time.

export interface Removed {
  id: string;
  name: string;
  size: number;
  removed: string; // RFC 3339, as what follows
  expires: string; // from then on it is gone for good
}

const rowsMost = 100; // at once; the last removed come first
const refreshPause = 400; // ms

export const removed = signal<readonly Removed[] | undefined>(undefined); // not heard of yet
export const next = signal<string | undefined>(undefined); // where the next page begins
export const place = signal(""); // where this one does; empty: at the beginning
export const problem = signal("");

let asked = 0;
let refreshing: ReturnType<typeof setTimeout> | undefined;

// Listens for removals and restorings while the trash is looked at.
export function watchTrash(): () => void {
  const stop = effect(() => {
    void files.value;
    void cluster.value?.files; // of many files the page hears of fewer
    refreshing ??= setTimeout(() => {
      refreshing = undefined;
      void refresh();
    }, removed.peek() ? refreshPause : 0);
  });
  return () => {
    stop();
    clearTimeout(refreshing);
    refreshing = undefined;
  };
}

export function turnTo(start: string): void {
  place.value = start;
  void refresh();
}

export async function refresh(): Promise<void> {
  const mine = ++asked;
  try {
    const after = encodeURIComponent(place.value);
    const response = await nodes.fetchAny(`/trash?limit=${rowsMost}&after=${after}`);
    if (!response.ok) throw problemOf(response.status, await response.text());
    const answer: {files: Removed[]; next: string | null} = await response.json();
    if (mine !== asked) return;
    if (answer.files.length === 0 && place.value) return turnTo("");
    removed.value = answer.files;
    next.value = answer.next ?? undefined;
    problem.value = "";
  } catch (failure) {
    if (mine === asked) problem.value = (failure as Error).message;
  }
}

// "taken": there is a file of that name again. Throws an error with a sentence.
export async function restore({id}: Removed): Promise<"restored" | "taken"> {
  const response = await tell("POST", id);
  if (response.status === 409) return "taken";
  if (!response.ok) throw problemOf(response.status, await response.text());
  leave(id);
  return "restored";
}

// What is gone already is as it should be.
export async function removeForGood({id}: Removed): Promise<void> {
  const response = await tell("DELETE", id);
  if (!response.ok && response.status !== 404) {
    throw problemOf(response.status, await response.text());
  }
  leave(id);
}

function tell(method: string, id: string): Promise<Response> {
  const path = "/trash/" + id.split("/").map(encodeURIComponent).join("/");
  return withAnyNode((origin) => ask(origin + path, {method}));
}

function leave(id: string): void {
  ++asked; // what is on its way may still have it
  removed.value = removed.value?.filter((each) => each.id !== id);
  void refresh();
}
