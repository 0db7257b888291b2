// The token that the page shows to the nodes of its cluster, and to nobody else.
//
// It is kept for the tab, or on this machine when that was asked for, and with it the nodes that it
// may be shown to: the page's own, and those that such a node names as its cluster.

export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export const storageKey = "chisme.token";
const nodesMost = 64;
const pattern = /^chisme-token-[\w.~-]{1,1024}$/; // what may be a WebSocket's subprotocol too

interface Kept {
  token: string;
  nodes: readonly string[]; // origins
}

export class Tokens {
  private kept: Kept | undefined;
  private fromMachine = false;
  private aside = false; // it was refused: it is shown to nobody until the page is loaded again

  constructor(
    readonly home: string,
    private readonly tab?: Shelf,
    private readonly machine?: Shelf,
  ) {
    this.load();
  }

  // As the browser keeps it now: another tab may have changed what the machine keeps.
  load(): void {
    const own = read(this.tab);
    this.kept = own ?? read(this.machine);
    this.fromMachine = !own && this.kept !== undefined;
    this.aside = false;
  }

  get held(): boolean {
    return this.kept !== undefined;
  }

  get onMachine(): boolean {
    return this.fromMachine;
  }

  // Where it may be shown, the page's own node first.
  get nodes(): readonly string[] {
    return [...new Set([this.home, ...(this.kept?.nodes ?? [])])];
  }

  // The token, if what answers at `url` is a node that it may be shown to.
  for(url: string): string | undefined {
    if (!this.kept || this.aside) return undefined;
    const origin = originOf(url);
    return origin !== undefined && this.nodes.includes(origin) ? this.kept.token : undefined;
  }

  // Of one that is kept on this machine a copy for the tab alone hides it until the tab is closed.
  keepForTab(token: string): void {
    this.become({token, nodes: this.kept?.nodes ?? []}, false);
  }

  keep(token: string, onMachine: boolean): void {
    const nodes = this.kept?.nodes ?? [];
    this.forget();
    this.become({token, nodes}, onMachine);
  }

  forget(): void {
    this.kept = undefined;
    this.aside = this.fromMachine = false;
    for (const shelf of [this.tab, this.machine]) {
      try {
        shelf?.removeItem(storageKey);
      } catch {
        // What cannot be written to keeps nothing.
      }
    }
  }

  putAside(): void {
    this.aside = true;
  }

  // `teller` says that its cluster is these: believed only of a node that the token is shown to.
  trust(teller: string, origins: readonly string[]): void {
    if (!this.kept || this.for(teller) === undefined) return;
    const nodes = origins.map(originOf).filter((each) => each !== undefined);
    if (nodes.join() === this.kept.nodes.join()) return;
    this.become({token: this.kept.token, nodes: nodes.slice(0, nodesMost)}, this.fromMachine);
  }

  private become(kept: Kept, onMachine: boolean): void {
    this.kept = kept;
    this.aside = false;
    this.fromMachine = onMachine;
    try {
      (onMachine ? this.machine : this.tab)?.setItem(storageKey, JSON.stringify(kept));
    } catch {
      // Without storage it lasts as long as the page.
    }
  }
}

// What somebody pasted: a token, or a link that carries one.
export function tokenIn(text: string): string | undefined {
  const [, carried] = /#token=([^&]*)/.exec(text) ?? [];
  const token = (carried ?? text).trim();
  return pattern.test(token) ? token : undefined;
}

// What an address brings behind its "#"; undefined when that is something else.
export function carriedBy(hash: string): {token: string | undefined} | undefined {
  return hash.startsWith("#token=") ? {token: tokenIn(hash)} : undefined;
}

function read(shelf: Shelf | undefined): Kept | undefined {
  try {
    const kept: Kept | null = JSON.parse(shelf?.getItem(storageKey) ?? "null");
    const nodes = kept?.nodes.filter((each) => typeof each === "string") ?? [];
    return kept && pattern.test(kept.token) ? {token: kept.token, nodes} : undefined;
  } catch {
    return undefined;
  }
}

function originOf(url: string): string | undefined {
  try {
    const {origin, protocol} = new URL(url.replace(/^ws/, "http"));
    return /^https?:$/.test(protocol) ? origin : undefined;
  } catch {
    return undefined;
  }
}
