import {signal} from "@preact/signals";
import {Deletions, type Batch} from "./deletions";
import {filePath} from "./format";
import {forget} from "./library";
import {problemOf, unreachable} from "./nodes";
import {selected, without} from "./selection";
import {connection, nodes, say} from "./state";
import {t} from "./text";

// Deleting: rows go at once, the nodes are told when nobody wants them back.

export const hidden = signal<ReadonlySet<string>>(new Set());
export const undoable = signal<readonly Batch[]>([]);

const atOnce = 6;
const sentLeaving = 100; // files: a browser takes twice as many requests from a page that is left

const deletions = new Deletions({
  after: (delay, run) => {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
  send: deleteAll,
  changed: () => {
    hidden.value = deletions.hidden;
    undoable.value = deletions.batches.map(({id, names}) => ({id, names: new Set(names)}));
  },
});

export function remove(names: Iterable<string>): void {
  const list = [...names];
  selected.value = without(selected.value, list);
  deletions.add(list);
}

export const undo = (id: number): void => deletions.undo(id);
export const spare = (name: string): void => deletions.spare(name);
export const removeNow = (names: ReadonlySet<string>): Promise<void> => deletions.nowOf(names);

// A page that is left deletes what waits, or asks to stay when that is too much for it.
export function watchLeaving(): () => void {
  const end = new AbortController();
  const {signal} = end;
  const leave = () => void deletions.leave(sendLeaving).catch(() => undefined);
  const ask = (event: Event) => {
    if (hidden.value.size > sentLeaving) event.preventDefault();
    if (!event.defaultPrevented) leave(); // pagehide may come too late for a slow machine
  };
  addEventListener("pagehide", leave, {signal});
  addEventListener("beforeunload", ask, {signal});
  return () => end.abort();
}

// The page's own node needs no question beforehand, for which the page has no time any more; but it
// may be dead: another one is told too. Twice does no harm.
async function sendLeaving(names: readonly string[]): Promise<void> {
  const origins = [...new Set([nodes.home, connection.value.origin || nodes.best])];
  const tell = (path: string) =>
    Promise.any(origins.map((origin) => fetch(origin + path, {method: "DELETE", keepalive: true})));
  await Promise.all(names.map((name) => tell(filePath(name)).then(() => forget(name))));
}

async function deleteAll(names: readonly string[]): Promise<void> {
  const queue = [...names];
  const failures: string[] = [];
  const work = async () => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      await deleteOne(name).catch((failure: Error) => failures.push(failure.message));
    }
  };
  await Promise.all(Array.from({length: atOnce}, work));
  const done = names.length - failures.length;
  if (failures.length > 0) say(t("not_deleted", failures.length, failures[0]!), true);
  else say(names.length === 1 ? t("deleted", names[0]!) : t("deleted_many", done));
}

async function deleteOne(name: string): Promise<void> {
  const response = await withAnyNode((origin) => fetch(origin + filePath(name), {method: "DELETE"}));
  if (!response.ok && response.status !== 404) {
    throw problemOf(response.status, await response.text());
  }
  forget(name);
}

// Tries each known node once, until one answers at all.
export async function withAnyNode(
  ask: (origin: string) => Promise<Response>,
  signal?: AbortSignal,
): Promise<Response> {
  for (const origin of nodes.all.slice()) {
    try {
      return await ask(origin);
    } catch (failure) {
      if (signal?.aborted) throw failure;
      nodes.silent(origin);
    }
  }
  throw unreachable();
}
