import {computed, effect, signal} from "@preact/signals";
import {role} from "./access/rights";
import {comparison, matches, wordsOf, type Order} from "./listing";
import {problemOf} from "./nodes";
import {arriving, Pages, type Answer} from "./pages";
import {hidden, spare} from "./removal";
import {cluster, nodes} from "./state";
import type {StoredFile} from "./types";

// The files that the page knows: all of them while they are few, else the pages that are looked at.

export const files = signal<ReadonlyMap<string, StoredFile> | undefined>(undefined);
export const search = signal("");
export const order = signal<Order>({sort: "modified", descending: true});
export const playing = signal<StoredFile | undefined>(undefined);
export {arriving};

const filesListed = 1000; // as many the feed and one answer tell at most
const refreshPause = 400; // ms
const searchPause = 250; // ms after the last key
let refreshing: ReturnType<typeof setTimeout> | undefined;
let searching: ReturnType<typeof setTimeout> | undefined;

const pages = new Pages(async (path) => {
  const response = await nodes.fetchAny(path);
  if (!response.ok) throw problemOf(response.status, await response.text());
  return (await response.json()) as Answer;
});
const few = signal<boolean | undefined>(undefined); // all files are in `files`
const mayRead = computed(() => role.value !== "none");
const isFew = computed(() => few.value === true);

// Whether every file of the cluster is in `files`.
export const allKnown = () => few.value === true;

const local = computed(() => {
  const words = wordsOf(search.value);
  const found = [...(files.value?.values() ?? [])].filter(({name}) => matches(name, words));
  return found.sort(comparison(order.value, true));
});

type Row = StoredFile | undefined; // undefined while it is on its way

const everything = computed<readonly Row[] | undefined>(() => {
  if (few.value || !pages.able.value) return files.value && local.value;
  return pages.version.value > 0 ? [...pages.listing!.rows] : undefined;
});

// The list as it is seen: without what was just deleted.
export const rows = computed<readonly Row[] | undefined>(() => {
  const gone = hidden.value;
  if (gone.size === 0) return everything.value;
  return everything.value?.filter((row) => !row || !gone.has(row.name));
});

// Whether an older node left files out of what it told.
export const leftOut = computed(
  () => !few.value && !pages.able.value && (files.value?.size ?? 0) < (cluster.value?.files ?? 0),
);

export const count = computed(() => {
  const all = few.value ? files.value?.size : cluster.value?.files;
  return all === undefined ? undefined : Math.max(0, all - hidden.value.size);
});

// Looks for what is not here, whenever the words or the order change.
export function watchSearch(): void {
  effect(() => {
    const query = {text: search.value, order: order.value};
    clearTimeout(searching);
    if (isFew.value || !mayRead.value) return;
    const pause = pages.listing ? searchPause : 0;
    searching = setTimeout(() => void lookFor(query).catch(() => undefined), pause);
  });
}

async function lookFor(query: {text: string; order: Order}): Promise<void> {
  await pages.ask(query);
  if (!pages.able.value && query.text) await searchFurther(query.text);
}

// These rows are looked at.
export function show(first: number, last: number): void {
  if (few.value || !pages.able.value) return;
  pages.show(...asListed(first, last));
}

// The files of these rows, also of those that are not here yet.
export async function filesOf(first: number, last: number): Promise<StoredFile[]> {
  const here = rows.value?.slice(first, last) ?? [];
  if (here.every((row) => row !== undefined)) return here;
  const found = await pages.files(...asListed(first, last));
  return found.filter(({name}) => !hidden.value.has(name));
}

// The span of a list with its hidden rows.
function asListed(first: number, last: number): [number, number] {
  const gone = hidden.value;
  if (gone.size === 0) return [first, last];
  const kept: number[] = [];
  everything.value?.forEach((row, i) => (!row || !gone.has(row.name)) && kept.push(i));
  return [kept[first] ?? 0, (kept[last - 1] ?? -1) + 1];
}

export function listed(list: readonly StoredFile[]): void {
  files.value = new Map(list.map((file) => [file.name, file]));
  few.value = list.length < filesListed;
  if (few.value) return;
  if (pages.able.value) pages.refresh();
  else void lookFor({text: search.value, order: order.value}).catch(() => undefined);
}

export function stored(file: StoredFile): void {
  const doomed = hidden.value.get(file.name);
  if (doomed && doomed.version !== file.version) spare(file.name);
  files.value = new Map(files.value).set(file.name, file);
  pages.stored(file);
}

// The feed lists the first files only: more of them are asked for by the start of their names.
async function searchFurther(words: string): Promise<void> {
  const response = await nodes.fetchAny(`/files?limit=200&prefix=${encodeURIComponent(words)}`);
  if (!response.ok) return;
  const found: {files: StoredFile[]} = await response.json();
  const all = new Map(files.value);
  for (const file of found.files) if (!file.incomplete) all.set(file.name, file);
  files.value = all;
}

// Reads the list again, at most once in a while.
export function refreshSoon(): void {
  refreshing ??= setTimeout(() => {
    refreshing = undefined;
    if (few.value || !pages.able.value) void refresh().catch(() => undefined);
    else pages.refresh();
  }, refreshPause);
}

async function refresh(): Promise<void> {
  const response = await nodes.fetchAny(`/files?limit=${filesListed}`);
  if (!response.ok) return;
  const list: {files: StoredFile[]; next: string | null} = await response.json();
  const complete = list.files.filter((file) => !file.incomplete);
  arriving.value = list.files.filter((file) => file.incomplete);
  const fresh = new Map(complete.map((file) => [file.name, file]));
  if (list.next)
    for (const [name, file] of files.value ?? []) if (!fresh.has(name)) fresh.set(name, file);
  files.value = fresh;
}

export function forget(name: string): void {
  const rest = new Map(files.value);
  rest.delete(name);
  files.value = rest;
  pages.forget(name);
}
