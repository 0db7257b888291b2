import type {Cluster, Member} from "../types";

// The death of a node, and its return, told from what the cluster says: when it went silent, when it
// was given up, where its clients went, how many copies were missing and when none was any more.

export interface Story {
  id: number;
  node: string;
  kind: "death" | "return";
  began: number;
  dead?: number;
  back?: number; // it answered again before all was well
  moved?: {to: string; after: number}; // this page was at the node
  clients: Record<string, number>; // sent to each node since
  copies: Record<string, number>; // made from one node to another, by "SENDER RECEIVER"
  missing: number; // files with too few copies now
  mostMissing: number;
  pending: number; // repairs that the nodes we hear have under way
  roomFor: boolean; // there are nodes enough for all copies
  over?: number;
}

const storiesKept = 6;
const quietAfter = 4000; // ms: nothing was missing until then: nothing will be
const moveWithin = 15_000; // ms between the page's move and the news of the death

export class Storyteller {
  stories: readonly Story[] = [];
  private states = new Map<string, Member["state"]>();
  private lastMove: {from: string; to: string; after: number; at: number} | undefined;
  private nextId = 1;

  // A change of a node's state: from its message, or from two states of the cluster that differ.
  became(node: string, state: Member["state"], now: number): void {
    const before = this.states.get(node);
    this.states.set(node, state);
    if (before === undefined || before === state) return;
    if (state === "suspect") this.open(node, "death", now);
    else if (state === "dead") this.died(node, now);
    else if (state === "left") this.change(node, (story) => ({...story, over: now}));
    else this.came(node, before, now);
  }

  saw(cluster: Cluster, now: number): void {
    for (const {node, state} of cluster.members) this.became(node, state, now);
    const placed = cluster.members.filter((each) => each.state === "alive" && !each.draining);
    const roomFor = placed.length >= Math.min(cluster.copies_wanted, cluster.members.length);
    const [missing, pending] = [cluster.under_replicated, cluster.repairs_pending];
    this.stories = this.stories.map((story) => {
      const since = story.kind === "return" ? story.began : story.dead;
      if (since === undefined || story.over !== undefined) return story;
      const mostMissing = Math.max(story.mostMissing, missing);
      const seen = {...story, missing, mostMissing, pending, roomFor};
      const well = missing === 0 && pending === 0;
      return well && (mostMissing > 0 || now - since > quietAfter) ? {...seen, over: now} : seen;
    });
  }

  redirected(to: string): void {
    this.stories = this.stories.map((story) =>
      story.over !== undefined || story.kind === "return" || story.node === to
        ? story
        : {...story, clients: {...story.clients, [to]: (story.clients[to] ?? 0) + 1}},
    );
  }

  // A copy is made, or was not made after all, while some are missing.
  copied(from: string | undefined, to: string, stage: string): void {
    const change = {started: 1, failed: -1}[stage];
    if (!change) return;
    const pair = `${from ?? ""} ${to}`;
    this.stories = this.stories.map((story) => {
      const since = story.kind === "return" ? story.began : story.dead;
      if (since === undefined || story.over !== undefined) return story;
      const count = Math.max(0, (story.copies[pair] ?? 0) + change);
      return {...story, copies: {...story.copies, [pair]: count}};
    });
  }

  // This page left a node that no longer answered.
  pageMoved(from: string, to: string, after: number, now: number): void {
    this.lastMove = {from, to, after, at: now};
    this.change(from, (story) => ({...story, moved: {to, after}}));
  }

  private open(node: string, kind: Story["kind"], now: number): void {
    if (this.stories.some((each) => each.node === node && each.over === undefined)) return;
    const move = this.lastMove;
    const moved = move?.from === node && now - move.at < moveWithin ? move : undefined;
    const story: Story = {
      ...{id: this.nextId++, node, kind, began: now, clients: {}, copies: {}},
      ...{missing: 0, mostMissing: 0, pending: 0, roomFor: true},
      ...(moved && kind === "death" ? {moved: {to: moved.to, after: moved.after}} : {}),
    };
    this.stories = [story, ...this.stories].slice(0, storiesKept);
  }

  private died(node: string, now: number): void {
    this.open(node, "death", now);
    this.change(node, (story) => (story.kind === "death" ? {...story, dead: now} : story));
  }

  private came(node: string, before: Member["state"], now: number): void {
    this.change(node, (story) => ({...story, back: now, over: now}));
    if (before === "dead" || before === "left") this.open(node, "return", now);
  }

  private change(node: string, how: (story: Story) => Story): void {
    this.stories = this.stories.map((each) =>
      each.node === node && each.over === undefined ? how(each) : each,
    );
  }
}
