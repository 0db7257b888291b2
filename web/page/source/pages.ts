import {signal} from "@preact/signals";
import {comparison, Listing, wordsOf, type Order} from "./listing";
import type {StoredFile} from "./types";

// A list too long to have whole: the pages of it that are looked at, as a node searches and orders.

export interface Query {
  text: string;
  order: Order;
}

export interface Answer {
  files: StoredFile[];
  total?: number; // older nodes do not tell
  incomplete?: StoredFile[]; // with the beginning of a list only
}

const page = 100;
const most = 1000; // files in one answer
const retryPause = 1000; // ms
const settlePause = 400;

// Still being uploaded, readable as they come.
export const arriving = signal<readonly StoredFile[]>([]);

export class Pages {
  readonly version = signal(0); // counts changes
  readonly able = signal(true); // false once a node does not know how to
  listing: Listing | undefined;

  private query: Query | undefined;
  private asked = 0;
  private span = {first: 0, last: page};
  private busy = false;
  private stale = false;
  private edits = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly fetchJson: (path: string) => Promise<Answer>) {}

  // Another list, which takes the place of this one when its first page is here.
  async ask(query: Query): Promise<void> {
    const mine = ++this.asked;
    const answer = await this.fetch(query, 0, page);
    if (mine !== this.asked) return;
    this.able.value = answer.total !== undefined;
    if (answer.total === undefined) return;
    this.query = query;
    this.listing = new Listing(comparison(query.order), wordsOf(query.text));
    this.span = {first: 0, last: page};
    this.listing.place(0, answer.files, answer.total);
    this.version.value += 1;
  }

  // These rows are looked at now.
  show(first: number, last: number): void {
    this.span = {first, last};
    void this.fill();
  }

  stored(file: StoredFile): void {
    this.edit((listing) => listing.changed(file));
  }

  forget(name: string): void {
    this.edit((listing) => listing.removed(name));
  }

  // What is looked at is asked for again.
  refresh(): void {
    this.stale = true;
    void this.fill();
  }

  // The files of these rows, wherever they are.
  async files(first: number, last: number): Promise<StoredFile[]> {
    const {listing, query} = this;
    if (!listing || !query) return [];
    for (let at = first; at < last && listing === this.listing; ) {
      const lack = listing.missing(at, Math.min(last, at + most), page);
      if (lack) await this.load(query, lack.offset, Math.min(most, lack.limit));
      at = lack ? lack.offset + Math.min(most, lack.limit) : at + most;
    }
    return listing.rows.slice(first, last).filter((row) => row !== undefined);
  }

  private edit(change: (listing: Listing) => boolean): void {
    if (!this.listing) return;
    this.edits += 1;
    const sure = change(this.listing);
    this.version.value += 1;
    if (!sure) this.later(settlePause);
  }

  private later(pause: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.refresh();
    }, pause);
  }

  // One request at a time, for what is looked at by then.
  private async fill(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let before = ""; ; ) {
        const next = this.next();
        if (!next || !this.query || JSON.stringify(next) === before) break;
        before = JSON.stringify(next);
        this.stale = false;
        await this.load(this.query, next.offset, next.limit);
      }
    } catch {
      this.later(retryPause);
    } finally {
      this.busy = false;
    }
  }

  private next(): {offset: number; limit: number} | undefined {
    const {first, last} = this.span;
    if (!this.stale) return this.listing?.missing(first, last, page);
    const offset = Math.max(0, Math.floor(first / page - 1)) * page;
    return {offset, limit: Math.min(most, Math.ceil((last - offset) / page + 1) * page)};
  }

  private async load(query: Query, offset: number, limit: number): Promise<void> {
    const {listing, edits} = this;
    const {files, total} = await this.fetch(query, offset, limit);
    if (listing !== this.listing || total === undefined) return;
    listing!.place(offset, files, total);
    this.version.value += 1;
    if (edits !== this.edits) this.later(settlePause); // it may tell what was before
  }

  private async fetch({text, order}: Query, offset: number, limit: number): Promise<Answer> {
    const search = encodeURIComponent(text.trim());
    const direction = order.descending ? "desc" : "asc";
    const {files, total, incomplete} = await this.fetchJson(
      `/files?search=${search}&sort=${order.sort}&order=${direction}&offset=${offset}&limit=${limit}`,
    );
    if (offset === 0) arriving.value = incomplete ?? [];
    return {files, total};
  }
}
