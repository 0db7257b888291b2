import type {
  Holder,
  Link,
  LinkEvents,
  Surroundings,
} from "../../../web/page/source/player/block_pool";

// A world for the block pool: a clock that jumps, and holders that answer, hang, refuse or die.

export const content = (size: number) =>
  Uint8Array.from({length: size}, (_, i) => (i * 7 + (i >> 8)) & 255);

interface Ask {
  id: number;
  offset: number;
  length: number;
}

export class FakeHolder {
  delay = 1; // ms before each frame
  frame = 1000; // bytes in one
  alive = true;
  hung = false;
  refusal: string | undefined;
  asked: Ask[] = []; // all requests that ever came
  cancelled: number[] = [];
  links = new Set<FakeLink>();
  opened = 0;

  constructor(
    readonly world: World,
    readonly holder: Holder,
  ) {}

  die(): void {
    this.alive = false;
    for (const link of [...this.links]) link.drop();
  }
}

class FakeLink implements Link {
  private queue: Ask[] = [];
  private working = false;
  open = true;

  constructor(
    private readonly at: FakeHolder,
    private readonly events: LinkEvents,
  ) {
    at.links.add(this);
  }

  send(text: string): void {
    const message = JSON.parse(text);
    if (message.op === "cancel") {
      this.at.cancelled.push(message.id);
      this.queue = this.queue.filter(({id}) => id !== message.id);
      return;
    }
    this.at.asked.push({id: message.id, offset: message.offset, length: message.length});
    this.queue.push({...message});
    this.work();
  }

  close(): void {
    this.open = false;
    this.at.links.delete(this);
  }

  drop(): void {
    this.close();
    this.events.closed();
  }

  work(): void {
    if (this.working || !this.open) return;
    this.working = true;
    this.at.world.after(this.at.delay, () => {
      this.working = false;
      if (!this.open) return;
      if (!this.at.hung) this.answer();
      if (this.queue.length > 0) this.work();
    });
  }

  private answer(): void {
    const ask = this.queue[0];
    if (!ask) return;
    if (this.at.refusal) {
      this.queue.shift();
      return this.events.message(JSON.stringify({id: ask.id, error: this.at.refusal, status: 404}));
    }
    const length = Math.min(this.at.frame, ask.length);
    const message = new Uint8Array(12 + length);
    const view = new DataView(message.buffer);
    view.setUint32(0, ask.id);
    view.setBigUint64(4, BigInt(ask.offset));
    message.set(this.at.world.bytes.subarray(ask.offset, ask.offset + length), 12);
    ask.offset += length;
    ask.length -= length;
    if (ask.length === 0) this.queue.shift();
    this.events.message(message.buffer);
  }
}

export class World implements Surroundings {
  private time = 0;
  private timers: {at: number; order: number; run: () => void}[] = [];
  private order = 0;
  readonly holders: FakeHolder[];
  routes = 0;

  constructor(
    readonly bytes: Uint8Array,
    count: number,
  ) {
    this.holders = Array.from({length: count}, (_, i) => {
      const node = `n${i + 1}`;
      return new FakeHolder(this, {node, http: `http://${node}`, ws: `ws://${node}`});
    });
  }

  connect(holder: Holder, events: LinkEvents): Link {
    const at = this.holders.find((each) => each.holder.node === holder.node)!;
    const link = new FakeLink(at, events);
    this.after(1, () => {
      if (!link.open) return;
      if (!at.alive) return link.drop();
      if (at.hung) return;
      at.opened++;
      events.open();
    });
    return link;
  }

  async route(): Promise<Holder[]> {
    this.routes++;
    return this.holders.map(({holder}) => holder);
  }

  now(): number {
    return this.time;
  }

  after(delay: number, run: () => void): () => void {
    const timer = {at: this.time + delay, order: this.order++, run};
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((each) => each !== timer));
  }

  // Lets `limit` milliseconds pass, or less when `done` says so; promises settle in between.
  async pass(limit: number, done = () => false): Promise<void> {
    const end = this.time + limit;
    for (;;) {
      for (let i = 0; i < 20; ++i) await Promise.resolve();
      if (done()) return;
      this.timers.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.timers[0];
      if (!next || next.at > end) break;
      this.timers.shift();
      this.time = next.at;
      next.run();
    }
    this.time = end;
  }
}
