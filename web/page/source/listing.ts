import type {StoredFile} from "./types";

// A list of files in some order, of which only some pages may be here yet.

export type SortKey = "name" | "modified" | "size";

export interface Order {
  sort: SortKey;
  descending: boolean;
}

export type Compare = (a: StoredFile, b: StoredFile) => number;

const collator = new Intl.Collator(undefined, {numeric: true});

export function wordsOf(text: string): string[] {
  return text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
}

export function matches(name: string, words: readonly string[]): boolean {
  const lower = name.toLocaleLowerCase();
  return words.every((word) => lower.includes(word));
}

// As the nodes order files; `forPeople` puts "file 2" before "file 10".
export function comparison({sort, descending}: Order, forPeople = false): Compare {
  const byName: Compare = forPeople
    ? (a, b) => collator.compare(a.name, b.name)
    : (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const sign = descending ? -1 : 1;
  if (sort === "name") return (a, b) => sign * byName(a, b);
  if (sort === "size") return (a, b) => sign * (a.size - b.size) || byName(a, b);
  return (a, b) => sign * (Date.parse(a.modified) - Date.parse(b.modified)) || byName(a, b);
}

export class Listing {
  rows: (StoredFile | undefined)[] = [];

  constructor(
    private readonly compare: Compare,
    private readonly words: readonly string[] = [],
  ) {}

  // A page that a node answered. Another total means that other pages are no longer what they were.
  place(offset: number, files: readonly StoredFile[], total: number): void {
    if (total !== this.rows.length) {
      this.rows = new Array<StoredFile | undefined>(total).fill(undefined);
    }
    const names = new Set(files.map(({name}) => name));
    for (let i = 0; i < this.rows.length; ++i) {
      const row = this.rows[i];
      if (row && names.has(row.name)) this.rows[i] = undefined; // it is elsewhere now
    }
    files.forEach((file, i) => offset + i < total && (this.rows[offset + i] = file));
  }

  // Where a file that was stored or changed belongs; false when only a node can tell.
  changed(file: StoredFile): boolean {
    const at = this.rows.findIndex((row) => row?.name === file.name);
    if (at >= 0) {
      if (this.fits(file, at)) {
        this.rows[at] = file;
        return true;
      }
      this.rows.splice(at, 1);
    }
    if (!matches(file.name, this.words)) return true;
    return this.insert(file);
  }

  // False when the file was not here, so that it may have been in a page that is not.
  removed(name: string): boolean {
    const at = this.rows.findIndex((row) => row?.name === name);
    if (at >= 0) this.rows.splice(at, 1);
    return at >= 0 || this.rows.every(Boolean);
  }

  // The span of rows to ask for, so that first..last are here; undefined when they are.
  missing(first: number, last: number, page: number): {offset: number; limit: number} | undefined {
    const end = Math.min(last, this.rows.length);
    let from = Math.max(0, first);
    while (from < end && this.rows[from]) ++from;
    if (from >= end) return undefined;
    let to = end;
    while (to > from && this.rows[to - 1]) --to;
    const offset = Math.floor(from / page) * page;
    return {offset, limit: Math.max(page, Math.ceil((to - offset) / page) * page)};
  }

  // Whether it may stay there: surely when what it is ordered by is the same.
  private fits(file: StoredFile, at: number): boolean {
    if (this.compare(this.rows[at]!, file) === 0) return true;
    const [before, after] = [this.rows[at - 1], this.rows[at + 1]];
    const behind = before ? this.compare(before, file) <= 0 : at === 0;
    const ahead = after ? this.compare(file, after) <= 0 : at === this.rows.length - 1;
    return behind && ahead;
  }

  private insert(file: StoredFile): boolean {
    let before = -1;
    let after = this.rows.length;
    for (let i = 0; i < this.rows.length; ++i) {
      const row = this.rows[i];
      if (!row) continue;
      if (this.compare(row, file) > 0) {
        after = i;
        break;
      }
      before = i;
    }
    if (after !== before + 1) return false;
    this.rows.splice(after, 0, file);
    return true;
  }
}
