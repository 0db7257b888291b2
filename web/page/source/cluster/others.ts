import type {ClusterMessage, Member} from "../types";

// The feeds of the other nodes, heard while the cluster is looked at: each node tells only of the
// copies that it sends or fetches, and of the clients that it sends on.

export const othersHeard = 15; // with the page's own node, 16
const firstPause = 1000; // ms until a feed that ended is opened again; then twice as long
const longestPause = 30_000;

export interface Line {
  close(): void;
}

export interface Surroundings {
  open(url: string, heard: (news: ClusterMessage) => void, ended: () => void): Line;
  after(delay: number, run: () => void): () => void; // answers what cancels it
  heard(node: string, news: ClusterMessage): void;
  silent(node: string): void; // nothing of it is known any more
}

class Other {
  private line: Line | undefined;
  private pause = firstPause;
  private stopWaiting = () => {};

  constructor(
    private readonly node: string,
    private readonly http: string,
    private readonly world: Surroundings,
  ) {
    this.open();
  }

  close(): void {
    this.stopWaiting();
    this.line?.close();
    this.line = undefined;
    this.world.silent(this.node);
  }

  private open(): void {
    const line = this.world.open(
      this.http.replace(/^http/, "ws") + "/ws/cluster?files=0",
      (news) => {
        if (this.line !== line) return;
        this.pause = firstPause;
        this.world.heard(this.node, news);
      },
      () => {
        if (this.line === line) this.ended();
      },
    );
    this.line = line;
  }

  private ended(): void {
    this.close();
    this.stopWaiting = this.world.after(this.pause, () => this.open());
    this.pause = Math.min(2 * this.pause, longestPause);
  }
}

export class Others {
  private readonly heard = new Map<string, Other>();

  constructor(private readonly world: Surroundings) {}

  // Hears these from now on, except the page's own node; answers how many are one too many.
  follow(members: readonly Member[], own: string): number {
    const key = ({node, http}: Member) => `${node} ${http}`;
    const there = members.filter(({node, state}) => {
      return node !== own && (state === "alive" || state === "suspect");
    });
    const known = there.filter((each) => this.heard.has(key(each)));
    const fresh = there.filter((each) => !this.heard.has(key(each)) && each.state === "alive");
    const chosen = new Map(
      [...known, ...fresh].slice(0, othersHeard).map((each) => [key(each), each]),
    );
    for (const [name, other] of this.heard) {
      if (chosen.has(name)) continue;
      this.heard.delete(name);
      other.close();
    }
    for (const [name, {node, http}] of chosen) {
      if (!this.heard.has(name)) this.heard.set(name, new Other(node, http, this.world));
    }
    return known.length + fresh.length - chosen.size;
  }

  close(): void {
    this.follow([], "");
  }
}
