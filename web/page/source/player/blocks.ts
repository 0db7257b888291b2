// The blocks of one file version: which bytes are here, who waits for them.
//
// A block fills from its front, because a holder answers in order. Memory is bounded: beyond
// `capacity` bytes the block that was used longest ago, and that nobody waits for, goes.

export interface Block {
  index: number;
  offset: number;
  bytes: Uint8Array;
  filled: number;
  wanted: boolean; // to be asked for
  waiters: Set<() => void>;
}

export class Blocks {
  private readonly blocks = new Map<number, Block>(); // in order of use, oldest first

  constructor(
    readonly size: number,
    readonly blockSize: number,
    private readonly capacity: number,
  ) {}

  indexOf(offset: number): number {
    return Math.floor(offset / this.blockSize);
  }

  get count(): number {
    return Math.ceil(this.size / this.blockSize);
  }

  peek(index: number): Block | undefined {
    return this.blocks.get(index);
  }

  // The block, made when it is not there, and now the last one to go.
  use(index: number): Block {
    let block = this.blocks.get(index);
    if (block) {
      this.blocks.delete(index);
    } else {
      const offset = index * this.blockSize;
      const length = Math.min(this.blockSize, this.size - offset);
      const bytes = new Uint8Array(length);
      block = {index, offset, bytes, filled: 0, wanted: true, waiters: new Set()};
    }
    this.blocks.set(index, block);
    this.evict(index);
    return block;
  }

  // Bytes that arrived. Answers whether they were news; what does not fit is ignored.
  accept(index: number, offset: number, bytes: Uint8Array): boolean {
    const block = this.blocks.get(index);
    if (!block) return false;
    const from = offset - block.offset;
    const end = Math.min(from + bytes.length, block.bytes.length);
    if (from < 0 || from > block.filled || end <= block.filled) return false;
    block.bytes.set(bytes.subarray(0, end - from), from);
    block.filled = end;
    if (isFull(block)) block.wanted = false;
    for (const wake of [...block.waiters]) wake();
    return true;
  }

  // No longer asks for blocks that nobody waits for.
  forgetUnawaited(): void {
    for (const block of this.blocks.values()) {
      if (block.waiters.size === 0) block.wanted = false;
    }
  }

  // Blocks to ask for: those awaited first, then in the file's order.
  *wanted(): Iterable<Block> {
    const missing = [...this.blocks.values()].filter((block) => block.wanted && !isFull(block));
    missing.sort((a, b) => urgency(a) - urgency(b) || a.index - b.index);
    yield* missing;
  }

  private evict(keep: number): void {
    let excess = this.blocks.size * this.blockSize - this.capacity;
    for (const [index, block] of this.blocks) {
      if (excess <= 0) return;
      if (index === keep || block.waiters.size > 0 || (block.wanted && !isFull(block))) continue;
      this.blocks.delete(index);
      excess -= this.blockSize;
    }
  }
}

export function isFull(block: Block): boolean {
  return block.filled === block.bytes.length;
}

function urgency(block: Block): number {
  return block.waiters.size > 0 ? 0 : 1;
}
