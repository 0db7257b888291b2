// Copies and clients on their way between nodes: seen for a moment each, the same ones as one, wider.

export interface Flow {
  kind: "repair" | "redirect";
  from: string | undefined;
  to: string;
  count: number;
  until: number;
}

const seenFor = 1800; // ms
const flowsShown = 24;

export class Traffic {
  flows: readonly Flow[] = [];

  add(kind: Flow["kind"], from: string | undefined, to: string, now: number): void {
    const same = (each: Flow) => each.kind === kind && each.from === from && each.to === to;
    const count = (this.flows.find(same)?.count ?? 0) + 1;
    const fresh = {kind, from, to, count, until: now + seenFor};
    this.flows = [fresh, ...this.flows.filter((each) => !same(each))].slice(0, flowsShown);
  }

  // Those still to be seen; true when some are gone.
  expire(now: number): boolean {
    const left = this.flows.filter((each) => each.until > now);
    const gone = left.length < this.flows.length;
    if (gone) this.flows = left;
    return gone;
  }
}
