import {effect, signal} from "@preact/signals";
import {ask} from "./access/ask";
import {may} from "./access/rights";
import {Deletions, type Batch, type Doomed, type Seen} from "./deletions";
import {filePath, span} from "./format";
import {files, forget} from "./library";
import {problemOf, unreachable} from "./nodes";
import {selected, without} from "./selection";
import {cluster, connection, keepsTrash, nodes, safeStorage, say} from "./state";
import {t} from "./text";
import type {StoredFile} from "./types";
import {UnfinishedDeletions, type Left} from "./unfinished_deletions";

// Deleting: rows go at once, the nodes are told when nobody wants them back.

export const hidden = signal<Doomed>(new Map());
export const undoable = signal<readonly Batch[]>([]);

const atOnce = 6;
const sentLeaving = 100; // files: a browser takes twice as many requests from a page that is left

const unfinished = new UnfinishedDeletions(safeStorage());
const deletions = new Deletions({
  after: (delay, run) => {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
  send: deleteAll,
  changed: () => {
    hidden.value = deletions.hidden;
    undoable.value = deletions.batches.map(({id, files}) => ({id, files: new Map(files)}));
    unfinished.keep(hidden.value, Date.now());
  },
});

// As they are in the list, or were when they were ticked.
export function remove(files: Iterable<StoredFile>): void {
  const list = new Map([...files].map((file) => [file.name, seenNow(file)]));
  selected.value = without(selected.value, list.keys());
  deletions.add(list);
}

function seenNow(file: StoredFile): Seen {
  const {version, sha256} = files.value?.get(file.name) ?? file;
  return {version, sha256};
}

export const undo = (id: number): void => deletions.undo(id);
export const spare = (name: string): void => deletions.spare(name);
export const removeNow = (names: ReadonlySet<string>): Promise<void> => deletions.nowOf(names);

// A page that is left deletes what waits, or asks to stay when that is too much for it. What it did
// not hear the end of, the next page does.
export function watchLeaving(): () => void {
  const end = new AbortController();
  const {signal} = end;
  const leave = () => {
    void deletions.leave(sendLeaving).catch(() => undefined);
    unfinished.leave(hidden.value);
  };
  const stay = (event: Event) => {
    if (hidden.value.size > sentLeaving) event.preventDefault();
    if (!event.defaultPrevented) leave(); // pagehide may come too late for a slow machine
  };
  addEventListener("pagehide", leave, {signal});
  addEventListener("beforeunload", stay, {signal});
  const stopFinishing = effect(() => {
    if (connection.value.alive && may("write")) queueMicrotask(finish);
  });
  return () => {
    end.abort();
    stopFinishing();
  };
}

let finishing = false;

// What pages that were left had still to delete, once a node is there to be told.
function finish(): void {
  if (finishing) return;
  finishing = true;
  for (const left of unfinished.others()) {
    setTimeout(() => void takeOver(left), Math.max(0, left.due - Date.now()));
  }
}

async function takeOver(left: Left): Promise<void> {
  if (!unfinished.others().some(({key, due}) => key === left.key && due === left.due)) return;
  const sent = deletions.send(left.files, (files) => deleteAll(files, isAsSeen));
  unfinished.forget(left); // it is in this page's own entry now
  await sent;
}

// The page's own node needs no question beforehand, for which the page has no time any more; but it
// may be dead: another one is told too. Twice does no harm.
async function sendLeaving(doomed: Doomed): Promise<void> {
  const origins = [...new Set([nodes.home, connection.value.origin || nodes.best])];
  const tell = (name: string, seen: Seen) =>
    Promise.any(origins.map((origin) => askToDelete(origin, name, seen, true)));
  await Promise.all([...doomed].map(([name, seen]) => tell(name, seen).then(() => forget(name))));
}

type Outcome = "deleted" | "gone" | "changed";

async function deleteAll(
  doomed: Doomed,
  wanted: (name: string, seen: Seen) => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  const queue = [...doomed];
  const failures: string[] = [];
  const names: Record<Outcome, string[]> = {deleted: [], gone: [], changed: []};
  const one = async (name: string, seen: Seen) => {
    const outcome = (await wanted(name, seen)) ? await deleteOne(name, seen) : "changed";
    names[outcome].push(name);
  };
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      await one(...next).catch((failure: Error) => failures.push(failure.message));
    }
  };
  await Promise.all(Array.from({length: atOnce}, work));
  const {deleted, changed} = names;
  if (failures.length > 0) say(t("not_deleted", failures.length, failures[0]!), true);
  else if (changed.length > 0) say(t("kept_changed", changed[0]!, changed.length));
  else if (deleted.length > 0) say(whatBecame(deleted));
}

// What is said of files that are deleted: where there is a trash, that they are in it.
export function whatBecame(names: readonly string[]): string {
  const one = names.length === 1;
  const what = one ? names[0]! : names.length;
  if (!keepsTrash.value) return t(one ? "deleted" : "deleted_many", what);
  return t(one ? "trashed" : "trashed_many", what, span(cluster.value!.trash_seconds!));
}

async function deleteOne(name: string, seen: Seen): Promise<Outcome> {
  const response = await withAnyNode((origin) => askToDelete(origin, name, seen));
  if (response.status === 412) return "changed";
  if (!response.ok && response.status !== 404) {
    throw problemOf(response.status, await response.text());
  }
  forget(name);
  return response.ok ? "deleted" : "gone";
}

// Only what was seen, not what somebody stored since.
function askToDelete(origin: string, name: string, seen: Seen, keepalive = false) {
  const headers = seen.sha256 ? {"If-Match": `"${seen.sha256}"`} : undefined;
  return ask(origin + filePath(name), {method: "DELETE", keepalive, headers});
}

// After a while the same bytes may have been stored anew, which `If-Match` does not tell.
async function isAsSeen(name: string, {version}: Seen): Promise<boolean> {
  const response = await withAnyNode((origin) =>
    ask(`${origin}/route?file=${encodeURIComponent(name)}`, {cache: "no-store"}),
  );
  if (!response.ok) return true; // what is not there is not deleted; a file without copies can be
  return (await response.json()).version === version;
}

// Tries each known node once, until one answers at all.
export async function withAnyNode(
  tell: (origin: string) => Promise<Response>,
  signal?: AbortSignal,
): Promise<Response> {
  for (const origin of nodes.all.slice()) {
    try {
      return await tell(origin);
    } catch (failure) {
      if (signal?.aborted) throw failure;
      nodes.silent(origin);
    }
  }
  throw unreachable();
}
