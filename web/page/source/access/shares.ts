import type {Shelf} from "./token";

// The share links that were made in this browser, so that they can be revoked; without their texts.

export interface Share {
  id: string;
  name: string;
  expires: string; // RFC 3339
}

const storageKey = "chisme.shares";
const most = 200; // of more, the one that ends first is forgotten

export class Shares {
  constructor(
    private readonly shelf?: Pick<Shelf, "getItem" | "setItem">,
    private readonly now = Date.now,
  ) {}

  of(name: string): Share[] {
    return this.list().filter((each) => each.name === name);
  }

  add({id, name, expires}: Share): void {
    const list = [...this.list(), {id, name, expires}];
    list.sort((a, b) => Date.parse(a.expires) - Date.parse(b.expires));
    this.write(list.slice(-most));
  }

  remove(id: string): void {
    this.write(this.list().filter((each) => each.id !== id));
  }

  private list(): Share[] {
    try {
      const list: unknown = JSON.parse(this.shelf?.getItem(storageKey) ?? "[]");
      return Array.isArray(list) ? list.filter((each) => this.isAlive(each)) : [];
    } catch {
      return [];
    }
  }

  private isAlive(each: Partial<Share> | null): boolean {
    return typeof each?.id === "string" && Date.parse(each.expires ?? "") > this.now();
  }

  private write(list: readonly Share[]): void {
    try {
      this.shelf?.setItem(storageKey, JSON.stringify(list));
    } catch {
      // Without storage they end by themselves.
    }
  }
}
