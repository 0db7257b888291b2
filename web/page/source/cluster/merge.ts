import type {ClusterMessage} from "../types";

// What several nodes tell, as one: without doubles, and each when it happened.

const doubleWithin = 5000; // ms between the two nodes that tell of the same copy
const latest = 10_000; // ms that news may have been on its way

interface Told {
  at: number;
  tellers: Set<string>;
}

export class Merge {
  private readonly told = new Map<string, Told>();
  private readonly behind = new Map<string, number>(); // how far each node's clock is, at least

  // When it happened, by this page's clock; undefined when another node told it already.
  admit(teller: string, news: ClusterMessage, now: number): number | undefined {
    const key = identity(news);
    if (key !== undefined && this.isDouble(teller, key, now)) return undefined;
    return news.at === undefined ? now : this.timeOf(teller, news.at, now);
  }

  private isDouble(teller: string, key: string, now: number): boolean {
    for (const [old, {at}] of this.told) {
      if (now - at < doubleWithin) break;
      this.told.delete(old);
    }
    const told = this.told.get(key);
    if (told && !told.tellers.has(teller)) {
      told.tellers.add(teller);
      return true;
    }
    this.told.delete(key); // so that the oldest stay first
    this.told.set(key, {at: now, tellers: new Set([teller])});
    return false;
  }

  // Clocks differ: the news that came fastest shows by how much.
  private timeOf(teller: string, at: number, now: number): number {
    const behind = this.behind.get(teller);
    const jumped = behind === undefined || now - at - behind > latest;
    const least = jumped ? now - at : Math.min(behind, now - at);
    this.behind.set(teller, least);
    return at + least;
  }
}

// Of what more than one node tells: the sender and the receiver of a copy, or all of a loss.
function identity(news: ClusterMessage): string | undefined {
  if (news.type === "repair") return [news.sha256, news.target, news.stage].join(" ");
  return news.type === "lost" ? news.sha256 : undefined;
}
