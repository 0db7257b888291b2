import type {Doomed, Seen} from "./deletions";

// What a page is to delete yet is kept in the browser: when the page is left before that is done,
// the next one does it. Each page has its own entry, which others leave alone while it may be alive.

const storageKey = "chisme.deletions.";
const pageMayLive = 5 * 60_000; // ms since its entry was written: timers of hidden tabs are rare

interface Entry {
  due: number; // from then on (as Date.now() tells time) others take it over
  files: [name: string, Seen][];
}

export interface Left {
  key: string;
  due: number;
  files: Doomed;
}

export class UnfinishedDeletions {
  private readonly key: string;

  constructor(
    private readonly storage: Storage | undefined,
    page = `${Date.now()}.${Math.random()}`,
  ) {
    this.key = storageKey + page;
  }

  keep(files: Doomed, now: number): void {
    this.write(files, now + pageMayLive);
  }

  // The page is being left: what it did not do is free to be taken.
  leave(files: Doomed): void {
    this.write(files, 0);
  }

  // Of pages that were left or are about to be taken for dead.
  others(): Left[] {
    const list: Left[] = [];
    for (let i = 0; i < (this.storage?.length ?? 0); ++i) {
      const key = this.storage!.key(i)!;
      if (!key.startsWith(storageKey) || key === this.key) continue;
      const {due, files} = this.read(key);
      list.push({key, due, files: new Map(files)});
    }
    return list;
  }

  forget({key}: Left): void {
    this.storage?.removeItem(key);
  }

  private read(key: string): Entry {
    try {
      return JSON.parse(this.storage!.getItem(key)!);
    } catch {
      return {due: 0, files: []};
    }
  }

  private write(files: Doomed, due: number): void {
    try {
      if (files.size === 0) this.storage?.removeItem(this.key);
      else this.storage?.setItem(this.key, JSON.stringify({due, files: [...files]}));
    } catch {
      // Without storage, or with too many files for it, the page does it all or asks to stay.
    }
  }
}
