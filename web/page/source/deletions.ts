// Files that are to be deleted, for a while yet to be undone.

// What was seen of each file, by name: another version of it is not to be deleted.
export interface Seen {
  version: string;
  sha256: string;
}
export type Doomed = ReadonlyMap<string, Seen>;

export interface Batch {
  id: number;
  files: Doomed;
}

export interface Surroundings {
  after(delay: number, run: () => void): () => void; // answers what cancels it
  send(files: Doomed): Promise<void>; // deletes them
  changed(): void;
}

export const undoTime = 8000; // ms

interface Waiting extends Batch {
  files: Map<string, Seen>;
  stop(): void;
}

export class Deletions {
  private waiting: Waiting[] = [];
  private readonly sent = new Map<string, Seen>(); // on their way
  private nextId = 1;

  constructor(private readonly world: Surroundings) {}

  // What may be undone, the latest first.
  get batches(): readonly Batch[] {
    return this.waiting;
  }

  // What is not to be seen any more.
  get hidden(): Doomed {
    const all = new Map(this.sent);
    for (const {files} of this.waiting) for (const [name, seen] of files) all.set(name, seen);
    return all;
  }

  add(files: Doomed): void {
    const hidden = this.hidden;
    const fresh = new Map([...files].filter(([name]) => !hidden.has(name)));
    if (fresh.size === 0) return;
    const id = this.nextId++;
    const stop = this.world.after(undoTime, () => void this.now(id));
    this.waiting.unshift({id, files: fresh, stop});
    this.world.changed();
  }

  undo(id: number): void {
    this.take(id);
    this.world.changed();
  }

  // Somebody stored another version of it: that one stays.
  spare(name: string): void {
    const batch = this.waiting.find(({files}) => files.has(name));
    if (!batch) return;
    batch.files.delete(name);
    if (batch.files.size === 0) this.take(batch.id);
    this.world.changed();
  }

  // Of those names the ones that wait, before they are stored anew: the others can still be undone.
  async nowOf(names: ReadonlySet<string>): Promise<void> {
    const concerned = new Map<string, Seen>();
    for (const batch of [...this.waiting]) {
      for (const [name, seen] of [...batch.files]) {
        if (names.has(name) && batch.files.delete(name)) concerned.set(name, seen);
      }
      if (batch.files.size === 0) this.take(batch.id);
    }
    if (concerned.size > 0) await this.send(concerned);
  }

  // Without an undo, or for a page that is being left: no time for answers.
  async send(files: Doomed, send = this.world.send): Promise<void> {
    for (const [name, seen] of files) this.sent.set(name, seen);
    this.world.changed();
    try {
      await send(files);
    } finally {
      for (const name of files.keys()) this.sent.delete(name);
      this.world.changed();
    }
  }

  async leave(send: Surroundings["send"]): Promise<void> {
    const files = new Map([...this.waiting].flatMap(({id}) => [...this.take(id)!.files]));
    if (files.size > 0) await this.send(files, send);
  }

  private async now(id: number): Promise<void> {
    const batch = this.take(id);
    if (batch) await this.send(batch.files);
  }

  private take(id: number): Waiting | undefined {
    const batch = this.waiting.find((each) => each.id === id);
    batch?.stop();
    this.waiting = this.waiting.filter((each) => each !== batch);
    return batch;
  }
}
