import type {Member} from "../types";

// The last two minutes of each node, a sample a second.

export const samplesKept = 120;

export interface Track {
  load: (number | null)[];
  bytes: (number | null)[];
}

export class History {
  times: number[] = []; // seconds
  readonly tracks = new Map<string, Track>();

  sample(members: readonly Member[], now: number): void {
    this.times = [...this.times, now / 1000].slice(-samplesKept);
    for (const {node} of members) {
      if (!this.tracks.has(node)) this.tracks.set(node, this.empty());
    }
    for (const [node, track] of this.tracks) {
      const member = members.find((each) => each.node === node);
      const there = member && (member.state === "alive" || member.state === "suspect");
      this.push(track.load, there ? member.load : null);
      this.push(track.bytes, there ? member.bytes_per_second : null);
      if (track.load.every((each) => each === null)) this.tracks.delete(node);
    }
  }

  private empty(): Track {
    const nothing = () => Array<null>(this.times.length - 1).fill(null);
    return {load: nothing(), bytes: nothing()};
  }

  private push(list: (number | null)[], value: number | null): void {
    list.push(value);
    if (list.length > this.times.length) list.shift();
  }
}
