import {Blocks, isFull, type Block} from "./blocks";

// Reads one version of a file from whichever holder answers.
//
// One holder is active; a socket to the next one stands by, open. When the active one closes, the
// standby takes over at once. When it is quiet for longer than its own pace explains, the standby
// is asked for the same bytes and whoever answers first is the active one from then on: a slow node
// that goes on is thus never condemned, and neither is the last one. The holders keep no state, so
// to go on elsewhere is to ask again.

export interface Holder {
  node: string;
  http: string;
  ws: string;
  load?: number;
}

export interface FileVersion {
  name: string;
  version: string;
  size: number;
}

// What a WebSocket is to the pool.
export interface Link {
  send(text: string): void;
  close(): void;
}
export interface LinkEvents {
  open(): void;
  message(data: ArrayBuffer | string): void;
  closed(): void;
}

export interface Surroundings {
  connect(holder: Holder, events: LinkEvents): Link;
  route(): Promise<Holder[]>; // the holders, best first
  now(): number; // milliseconds
  after(delay: number, run: () => void): () => void; // answers how to cancel it
}

export type SwitchReason = "first" | "closed" | "quiet" | "refused";

export interface PoolOptions {
  blockSize?: number;
  inFlight?: number;
  capacity?: number; // bytes kept in memory
  onServing?: (holder: Holder, reason: SwitchReason) => void;
  onBytes?: (holder: Holder, count: number) => void;
}

interface Ask {
  block: Block;
  end: number;
  since: number;
}

interface Connection {
  holder: Holder;
  link: Link;
  open: boolean;
  asks: Map<number, Ask>;
  progress: number; // when bytes last came
  pace: number; // milliseconds between arrivals, a peak that decays; 0 before any
}

interface Failure {
  at: number;
  count: number;
}

const quietest = 300;
const firstAnswer = 700;
const slowest = 10_000;
const openTimeout = 1500;
const retryDelay = 250;
const longestRetryDelay = 5000;

export class BlockPool {
  readonly blocks: Blocks;
  private readonly inFlight: number;
  private holders: Holder[] = [];
  private readonly failures = new Map<string, Failure>(); // by node; none since it last answered
  private active: Connection | undefined;
  private standby: Connection | undefined;
  private hedging = false;
  private routing = false;
  private routedAt = -Infinity;
  private refusals = 0; // since bytes last came
  private failure: Error | undefined;
  private closed = false;
  private nextId = 1;
  private served = false;
  private why: SwitchReason = "closed"; // the holder before the active one was left
  private cancelTimer: (() => void) | undefined;

  constructor(
    readonly file: FileVersion,
    private readonly around: Surroundings,
    private readonly options: PoolOptions = {},
  ) {
    this.blocks = new Blocks(
      file.size,
      options.blockSize ?? 256 * 1024,
      options.capacity ?? 48 * 1024 * 1024,
    );
    this.inFlight = options.inFlight ?? 4;
  }

  // At least one byte from `offset` on, at most `length`, and never beyond the block it is in.
  // Rejects with an AbortError when `signal` fires, and when the pool is closed.
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (offset >= this.file.size) return new Uint8Array(0);
    const block = this.blocks.use(this.blocks.indexOf(offset));
    const from = offset - block.offset;
    while (block.filled <= from) {
      block.wanted = true;
      await this.more(block, signal);
    }
    return block.bytes.slice(from, Math.min(block.filled, from + length));
  }

  // Asks for what lies ahead of `offset`, so that it is here when it is read.
  prefetch(offset: number, length: number): void {
    const end = Math.min(this.file.size, offset + length);
    for (let at = this.blocks.indexOf(offset); at * this.blocks.blockSize < end; ++at) {
      const block = this.blocks.use(at);
      if (!isFull(block)) block.wanted = true;
    }
    this.pump();
  }

  // The reader went elsewhere: what nobody waits for need not come, and must not stand in the way.
  forgetAhead(): void {
    this.blocks.forgetUnawaited();
    for (const connection of [this.active, this.standby]) {
      for (const [id, {block}] of connection?.asks ?? []) {
        if (!block.wanted && block.waiters.size === 0) this.cancelAsk(connection!, id);
      }
    }
    this.pump();
  }

  get serving(): Holder | undefined {
    return this.active?.holder;
  }

  close(): void {
    this.closed = true;
    this.cancelTimer?.();
    this.active?.link.close();
    this.standby?.link.close();
    this.active = this.standby = undefined;
    for (let i = 0; i < this.blocks.count; ++i) {
      for (const wake of [...(this.blocks.peek(i)?.waiters ?? [])]) wake();
    }
  }

  private more(block: Block, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        block.waiters.delete(wake);
        signal?.removeEventListener("abort", wake);
        if (this.failure) reject(this.failure);
        else if (this.closed || signal?.aborted) reject(new DOMException("stopped", "AbortError"));
        else resolve();
      };
      if (this.closed || signal?.aborted) return wake();
      block.waiters.add(wake);
      signal?.addEventListener("abort", wake);
      this.pump();
    });
  }

  // Keeps the sockets open and the requests going. Safe to call at any time.
  private pump(): void {
    if (this.closed) return;
    this.keepConnected();
    if (this.active?.open) this.ask(this.active, this.inFlight);
    // No more than shows whether it answers: both may share a slow way.
    if (this.hedging && this.standby?.open) this.ask(this.standby, 1);
    this.watch();
  }

  private keepConnected(): void {
    if (!this.active && this.standby) this.promote("closed");
    this.active ??= this.connectNext();
    if (this.active) this.standby ??= this.connectNext();
  }

  private connectNext(): Connection | undefined {
    const inUse = [this.active?.holder.node, this.standby?.holder.node];
    const free = this.holders.filter((holder) => !inUse.includes(holder.node));
    const failedAt = (holder: Holder) => this.failures.get(holder.node)?.at ?? -Infinity;
    free.sort((a, b) => (failedAt(a) < failedAt(b) ? -1 : failedAt(a) > failedAt(b) ? 1 : 0));
    const next = free.find((holder) => this.rested(holder));
    if (!next) {
      this.refreshRoute();
      return undefined;
    }
    return this.connect(next);
  }

  private rested(holder: Holder): boolean {
    const failure = this.failures.get(holder.node);
    if (!failure) return true;
    const delay = Math.min(longestRetryDelay, retryDelay * 2 ** (failure.count - 1));
    return this.around.now() - failure.at >= delay;
  }

  private failed(connection: Connection): void {
    const {node} = connection.holder;
    const count = (this.failures.get(node)?.count ?? 0) + 1;
    this.failures.set(node, {at: this.around.now(), count});
  }

  private connect(holder: Holder): Connection {
    const now = this.around.now();
    const made: Partial<Connection> = {
      holder,
      open: false,
      asks: new Map(),
      progress: now,
      pace: 0,
    };
    const connection = made as Connection;
    connection.link = this.around.connect(holder, {
      open: () => this.opened(connection),
      message: (data) => this.received(connection, data),
      closed: () => this.lost(connection, "closed"),
    });
    return connection;
  }

  private opened(connection: Connection): void {
    connection.open = true;
    connection.progress = this.around.now();
    if (connection === this.active) this.announce();
    this.pump();
  }

  // The standby opened first, or the active one is gone or quiet: it takes over.
  private promote(reason: SwitchReason): void {
    this.active = this.standby;
    this.standby = undefined;
    this.hedging = false;
    this.why = reason;
    if (this.active?.open) this.announce();
  }

  private announce(): void {
    this.options.onServing?.(this.active!.holder, this.served ? this.why : "first");
    this.served = true;
  }

  private lost(connection: Connection, reason: SwitchReason): void {
    if (this.closed) return;
    if (connection !== this.active && connection !== this.standby) return;
    this.failed(connection);
    if (connection === this.standby) {
      this.standby = undefined;
    } else if (connection === this.active) {
      this.active = undefined;
      this.why = reason;
      if (this.standby) this.promote(reason);
      this.refreshRoute();
    }
    this.pump();
  }

  private drop(connection: Connection, reason: SwitchReason): void {
    connection.link.close();
    this.lost(connection, reason);
  }

  private ask(connection: Connection, most: number): void {
    const asked = new Set([...connection.asks.values()].map((ask) => ask.block.index));
    for (const block of this.blocks.wanted()) {
      if (connection.asks.size >= most) return;
      if (asked.has(block.index)) continue;
      const {name, version} = this.file;
      const id = this.nextId++;
      const offset = block.offset + block.filled;
      const length = block.bytes.length - block.filled;
      connection.asks.set(id, {block, end: offset + length, since: this.around.now()});
      connection.link.send(JSON.stringify({id, op: "read", file: name, version, offset, length}));
    }
  }

  private cancelAsk(connection: Connection, id: number): void {
    connection.asks.delete(id);
    connection.link.send(JSON.stringify({id, op: "cancel"}));
  }

  private received(connection: Connection, data: ArrayBuffer | string): void {
    if (this.closed) return;
    if (typeof data === "string") return this.refused(connection, data);
    if (data.byteLength < 12) return;
    const view = new DataView(data);
    const ask = connection.asks.get(view.getUint32(0));
    if (!ask) return;
    const offset = Number(view.getBigUint64(4));
    const bytes = new Uint8Array(data, 12);
    this.measure(connection);
    if (offset + bytes.length >= ask.end) connection.asks.delete(view.getUint32(0));
    this.refusals = 0;
    this.failures.delete(connection.holder.node);
    this.blocks.accept(ask.block.index, offset, bytes);
    this.options.onBytes?.(connection.holder, bytes.length);
    this.settleHedge(connection);
    this.pump();
  }

  private measure(connection: Connection): void {
    const now = this.around.now();
    const gap = now - this.waitingSince(connection);
    connection.pace = Math.max(gap, connection.pace * 0.9);
    connection.progress = now;
  }

  // Somebody answered: the standby takes over, or the active one has shown that it goes on.
  private settleHedge(connection: Connection): void {
    if (!this.hedging) return;
    this.hedging = false;
    if (connection === this.active) {
      for (const id of this.standby?.asks.keys() ?? []) this.cancelAsk(this.standby!, id);
    } else if (connection === this.standby) {
      const quiet = this.active;
      this.promote("quiet");
      if (quiet) {
        this.failed(quiet);
        quiet.link.close();
      }
    }
  }

  private refused(connection: Connection, text: string): void {
    let answer: {id?: number; error?: string; replicas?: Holder[]};
    try {
      answer = JSON.parse(text);
    } catch {
      return this.drop(connection, "refused");
    }
    if (!answer.error) return;
    if (answer.id !== undefined && !connection.asks.has(answer.id)) return;
    if (answer.replicas?.length) this.holders = answer.replicas;
    if (++this.refusals > 2 * this.holders.length + 2) return this.fail(answer.error);
    this.drop(connection, "refused");
  }

  // Every holder refuses: this version is gone.
  private fail(sentence: string): void {
    this.failure = new Error(sentence);
    this.close();
  }

  private waitingSince(connection: Connection): number {
    let oldest = Infinity;
    for (const ask of connection.asks.values()) oldest = Math.min(oldest, ask.since);
    return Math.max(connection.progress, Math.min(oldest, this.around.now()));
  }

  // How long the connection may be quiet before the standby is asked too.
  private patience(connection: Connection): number {
    if (!connection.open) return this.standby?.open ? quietest : openTimeout;
    if (connection.pace === 0) return firstAnswer;
    return Math.min(slowest, Math.max(quietest, 3 * connection.pace));
  }

  private watch(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const connection = this.active;
    if (!connection) {
      if (this.hasWanted()) this.cancelTimer = this.around.after(retryDelay, () => this.pump());
      return;
    }
    if (connection.open && connection.asks.size === 0) return;
    const since = connection.open ? this.waitingSince(connection) : connection.progress;
    const left = since + this.patience(connection) - this.around.now();
    const delay = this.hedging ? retryDelay : Math.max(1, left);
    this.cancelTimer = this.around.after(delay, () => this.wake(connection));
  }

  private wake(connection: Connection): void {
    if (connection !== this.active) return this.pump();
    const since = connection.open ? this.waitingSince(connection) : connection.progress;
    const overdue = since + this.patience(connection) <= this.around.now();
    if (overdue && !connection.open) return this.drop(connection, "closed");
    if (overdue) this.hedging = true;
    if (this.hedging) {
      this.refreshRoute();
      this.replaceQuietStandby();
    }
    this.pump();
  }

  // The standby that was asked too is itself quiet: another one may stand by in its place.
  private replaceQuietStandby(): void {
    const standby = this.standby;
    if (!standby) return;
    const since = standby.open ? this.waitingSince(standby) : standby.progress;
    const spare = this.holders.length > 2;
    if (spare && this.around.now() - since > 2 * this.patience(standby)) {
      this.drop(standby, "quiet");
    }
  }

  private hasWanted(): boolean {
    for (const _ of this.blocks.wanted()) return true;
    return false;
  }

  // Asks who holds the file now: often while nothing comes, rarely while all is well.
  private refreshRoute(): void {
    if (this.routing || this.closed) return;
    const healthy = this.active?.open && !this.hedging;
    const interval = healthy ? longestRetryDelay : retryDelay;
    if (this.around.now() - this.routedAt < interval) return;
    this.routing = true;
    this.around
      .route()
      .then((holders) => {
        if (holders.length > 0) this.holders = holders;
      })
      .catch(() => undefined)
      .finally(() => {
        this.routing = false;
        this.routedAt = this.around.now();
        this.pump();
      });
  }
}
