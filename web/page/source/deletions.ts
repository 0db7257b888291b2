// Files that are to be deleted, for a while yet to be undone.

export interface Batch {
  id: number;
  names: ReadonlySet<string>;
}

export interface Surroundings {
  after(delay: number, run: () => void): () => void; // answers what cancels it
  send(names: readonly string[]): Promise<void>; // deletes them
  changed(): void;
}

export const undoTime = 8000; // ms

interface Waiting extends Batch {
  names: Set<string>;
  stop(): void;
}

export class Deletions {
  private waiting: Waiting[] = [];
  private readonly sent = new Set<string>(); // on their way
  private nextId = 1;

  constructor(private readonly world: Surroundings) {}

  // What may be undone, the latest first.
  get batches(): readonly Batch[] {
    return this.waiting;
  }

  // What is not to be seen any more.
  get hidden(): ReadonlySet<string> {
    const all = new Set(this.sent);
    for (const {names} of this.waiting) for (const name of names) all.add(name);
    return all;
  }

  add(names: Iterable<string>): void {
    const hidden = this.hidden;
    const fresh = new Set([...names].filter((name) => !hidden.has(name)));
    if (fresh.size === 0) return;
    const id = this.nextId++;
    const stop = this.world.after(undoTime, () => void this.now(id));
    this.waiting.unshift({id, names: fresh, stop});
    this.world.changed();
  }

  undo(id: number): void {
    this.take(id);
    this.world.changed();
  }

  // Somebody stored another version of it: that one stays.
  spare(name: string): void {
    const batch = this.waiting.find(({names}) => names.has(name));
    if (!batch) return;
    batch.names.delete(name);
    if (batch.names.size === 0) this.take(batch.id);
    this.world.changed();
  }

  // Of those names the ones that wait, before they are stored anew: the others can still be undone.
  async nowOf(names: ReadonlySet<string>): Promise<void> {
    const concerned: string[] = [];
    for (const batch of [...this.waiting]) {
      for (const name of [...batch.names]) {
        if (names.has(name) && batch.names.delete(name)) concerned.push(name);
      }
      if (batch.names.size === 0) this.take(batch.id);
    }
    if (concerned.length > 0) await this.send(concerned);
  }

  // Everything that waits, for a page that is being left: no time for answers.
  takeAll(): string[] {
    return [...this.waiting].flatMap(({id}) => [...this.take(id)!.names]);
  }

  private async now(id: number): Promise<void> {
    const batch = this.take(id);
    if (batch) await this.send([...batch.names]);
  }

  private async send(names: readonly string[], send = this.world.send): Promise<void> {
    for (const name of names) this.sent.add(name);
    this.world.changed();
    try {
      await send(names);
    } finally {
      for (const name of names) this.sent.delete(name);
      this.world.changed();
    }
  }

  async leave(send: Surroundings["send"]): Promise<void> {
    const names = this.takeAll();
    if (names.length > 0) await this.send(names, send);
  }

  private take(id: number): Waiting | undefined {
    const batch = this.waiting.find((each) => each.id === id);
    batch?.stop();
    this.waiting = this.waiting.filter((each) => each !== batch);
    return batch;
  }
}
