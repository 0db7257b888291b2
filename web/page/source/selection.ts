import {signal} from "@preact/signals";
import type {StoredFile} from "./types";

// The files that are ticked, by name.

export type Selection = ReadonlyMap<string, StoredFile>;

export const selected = signal<Selection>(new Map());
let last: number | undefined; // the row that was ticked last: a range begins there

export function ticked(now: Selection, list: Iterable<StoredFile>, on: boolean): Selection {
  const next = new Map(now);
  for (const file of list) {
    if (on) next.set(file.name, file);
    else next.delete(file.name);
  }
  return next;
}

export function without(now: Selection, names: Iterable<string>): Selection {
  const next = new Map(now);
  for (const name of names) next.delete(name);
  return next.size === now.size ? now : next;
}

// The rows from the one that was ticked last to this one, both included.
export function rangeTo(index: number, extend: boolean): {first: number; last: number} {
  const from = extend ? (last ?? index) : index;
  last = index;
  return {first: Math.min(from, index), last: Math.max(from, index) + 1};
}

export function clear(): void {
  selected.value = new Map();
  last = undefined;
}
