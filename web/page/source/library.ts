import {computed, effect, signal} from "@preact/signals";
import {filePath} from "./format";
import {problemOf, unreachable} from "./nodes";
import {cluster, nodes, say} from "./state";
import {t} from "./text";
import type {StoredFile} from "./types";

// The files that the page knows.

export const files = signal<ReadonlyMap<string, StoredFile> | undefined>(undefined);
export const search = signal("");
export const playing = signal<StoredFile | undefined>(undefined);
export const arriving = signal<readonly StoredFile[]>([]); // still being uploaded, readable as they come

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

// Looks for what the list does not have, whenever the words change.
export function watchSearch(): void {
  effect(() => {
    const words = search.value;
    clearTimeout(searching);
    if (words) searching = setTimeout(() => void searchFurther(words), searchPause);
  });
}

export function listed(list: readonly StoredFile[]): void {
  files.value = new Map(list.map((file) => [file.name, file]));
}

export function stored(file: StoredFile): void {
  files.value = new Map(files.value).set(file.name, file);
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

// Reads the list again, at most once in a while.
export function refreshSoon(): void {
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
}
