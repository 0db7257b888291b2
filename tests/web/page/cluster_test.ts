import assert from "node:assert/strict";
import {test} from "node:test";
import {History, samplesKept} from "../../../web/page/source/cluster/history";
import {Announcer, asText, Journal, journalBound} from "../../../web/page/source/cluster/journal";
import {arc, bent, height, ring, shortNames, width} from "../../../web/page/source/cluster/ring";
import {Storyteller} from "../../../web/page/source/cluster/story";
import {Traffic} from "../../../web/page/source/cluster/traffic";
import type {Cluster, Member} from "../../../web/page/source/types";

test("nodes of a ring are apart, and inside the picture", () => {
  for (const count of [1, 2, 3, 5, 9, 12, 30]) {
    const {places, node} = ring(count);
    assert.equal(places.length, count);
    for (const [i, a] of places.entries()) {
      assert.ok(a.x - node > 0 && a.x + node < width, `${count}: x ${a.x}`);
      assert.ok(a.y - node > 0 && a.y + node < height, `${count}: y ${a.y}`);
      for (const b of places.slice(i + 1)) {
        const apart = Math.hypot(a.x - b.x, a.y - b.y);
        assert.ok(apart > 2 * node, `${count}: ${apart} between nodes of ${node}`);
      }
    }
  }
});

test("the first node is at the top, and labels grow away from the middle", () => {
  const {places} = ring(4);
  assert.deepEqual(
    places.map(({label}) => label.anchor),
    ["middle", "start", "middle", "end"],
  );
  assert.ok(places[0]!.y < places[1]!.y && places[1]!.y < places[2]!.y);
});

test("paths have no NaN, even from a point to itself and for a load beyond all bounds", () => {
  const at = {x: 10, y: 10};
  const loads = [0, 1, 40, -1].map((load) => arc(at, 9, load));
  for (const path of [bent(at, at, 20), ...loads]) assert.doesNotMatch(path, /NaN/);
});

test("names are as short as they can be told apart", () => {
  assert.deepEqual(shortNames(["10.0.0.1:7701", "10.0.0.1:7702"]), [":7701", ":7702"]);
  assert.deepEqual(shortNames(["a.lan:7701", "b.lan:7701"]), ["a.lan", "b.lan"]);
  assert.deepEqual(shortNames(["a:1", "a:2", "b:1"]), ["a:1", "a:2", "b:1"]);
  assert.deepEqual(shortNames([]), []);
});

test("the journal is bounded, newest first", () => {
  const journal = new Journal();
  for (let i = 0; i < 3 * journalBound; ++i) journal.add("node", `${i}`, () => `news ${i}`, i);
  assert.equal(journal.list.length, journalBound);
  assert.equal(journal.list[0]!.tell(), `news ${3 * journalBound - 1}`);
});

test("what happens again and again is told once, with its count", () => {
  const journal = new Journal();
  for (let i = 0; i < 5; ++i) journal.add("client", "x", () => "went", i * 1000);
  journal.add("client", "x", () => "went", 60_000);
  assert.deepEqual(
    journal.list.map(({times}) => times),
    [1, 5],
  );
  assert.match(asText(journal.list), /went\n.*went ×5\n/);
});

test("listeners are told the latest few, not all of a flood", async () => {
  const said: string[] = [];
  const announcer = new Announcer((sentences) => said.push(sentences), 5);
  for (let i = 0; i < 50; ++i) announcer.add(() => `${i}`);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.deepEqual(said, ["47. 48. 49"]);
});

test("the same flow is one, and is seen for a moment", () => {
  const traffic = new Traffic();
  for (let i = 0; i < 3; ++i) traffic.add("redirect", "a", "b", i);
  for (let i = 0; i < 100; ++i) traffic.add("repair", undefined, `${i}`, 100);
  assert.equal(traffic.flows.length, 24);
  assert.equal(traffic.expire(10), false);
  assert.equal(traffic.expire(60_000), true);
  assert.deepEqual(traffic.flows, []);
});

test("equal flows are counted", () => {
  const traffic = new Traffic();
  for (let i = 0; i < 3; ++i) traffic.add("redirect", "a", "b", i);
  assert.deepEqual(
    traffic.flows.map(({from, to, count}) => [from, to, count]),
    [["a", "b", 3]],
  );
});

function member(node: string, state: Member["state"] = "alive"): Member {
  const figures = {in_flight: 0, load: 0.5, capacity: 8, bytes_per_second: 10, disk_used: 0};
  const http = `http://${node}:7701`;
  return {node, http, state, self: false, draining: false, health: 0, copies: 1, ...figures};
}

test("each node's history has one value for each time, also of one that came late or went", () => {
  const history = new History();
  for (let i = 0; i < 200; ++i) {
    const list = [member("a")];
    if (i > 100) list.push(member("b", i > 150 ? "dead" : "alive"));
    history.sample(list, i * 1000);
  }
  assert.equal(history.times.length, samplesKept);
  for (const {load, bytes} of history.tracks.values()) {
    assert.equal(load.length, samplesKept);
    assert.equal(bytes.length, samplesKept);
  }
  assert.equal(history.tracks.get("b")!.load.at(-1), null);
  assert.equal(history.tracks.get("b")!.load.at(-60), 0.5);
  for (let i = 200; i < 400; ++i) history.sample([member("a")], i * 1000);
  assert.deepEqual([...history.tracks.keys()], ["a"]);
});

function cluster(states: Record<string, Member["state"]>, missing = 0, pending = 0): Cluster {
  return {
    ...{self: "a", version: "1", in_touch: true, copies_wanted: 3, copies_durable: 2, files: 9},
    ...{under_replicated: missing, lost: 0, repairs_pending: pending},
    members: Object.entries(states).map(([node, state]) => member(node, state)),
  };
}

const five = {a: "alive", b: "alive", c: "alive", d: "alive", e: "alive"} as const;

test("a death: silent, dead, clients elsewhere, copies made again, done", () => {
  const teller = new Storyteller();
  teller.saw(cluster(five), 0);
  assert.deepEqual(teller.stories, []);
  teller.became("b", "suspect", 1000);
  assert.equal(teller.stories[0]!.kind, "death");
  teller.saw(cluster({...five, b: "suspect"}), 1500);
  teller.became("b", "dead", 3000);
  teller.redirected("c");
  teller.redirected("c");
  teller.redirected("d");
  for (const [missing, pending, at] of [[4, 0, 3500], [4, 2, 8000], [1, 1, 9000]] as const) {
    teller.saw(cluster({...five, b: "dead"}, missing, pending), at);
    assert.equal(teller.stories[0]!.over, undefined);
  }
  teller.saw(cluster({...five, b: "dead"}), 13_300);
  const [story] = teller.stories;
  assert.equal(story!.dead! - story!.began, 2000);
  assert.deepEqual(story!.clients, {c: 2, d: 1});
  assert.equal(story!.mostMissing, 4);
  assert.equal(story!.over! - story!.began, 12_300);
  teller.redirected("e");
  assert.deepEqual(teller.stories[0]!.clients, {c: 2, d: 1}, "an ended story does not change");
});

test("a node that answers again before it is given up was only silent for a moment", () => {
  const teller = new Storyteller();
  teller.saw(cluster(five), 0);
  teller.became("b", "suspect", 1000);
  teller.became("b", "alive", 1800);
  assert.equal(teller.stories.length, 1);
  assert.equal(teller.stories[0]!.dead, undefined);
  assert.equal(teller.stories[0]!.over, 1800);
});

test("a death that no copy was lost with is over after a while", () => {
  const teller = new Storyteller();
  teller.saw(cluster(five), 0);
  teller.saw(cluster({...five, b: "dead"}), 1000);
  teller.saw(cluster({...five, b: "dead"}), 2000);
  assert.equal(teller.stories[0]!.over, undefined);
  teller.saw(cluster({...five, b: "dead"}), 6000);
  assert.equal(teller.stories[0]!.over, 6000);
});

test("a return ends the story of the death and has its own", () => {
  const teller = new Storyteller();
  teller.saw(cluster(five), 0);
  teller.became("b", "dead", 1000);
  teller.saw(cluster({...five, b: "dead"}, 3), 1500);
  teller.became("b", "alive", 5000);
  assert.deepEqual(
    teller.stories.map(({kind, over}) => [kind, over]),
    [
      ["return", undefined],
      ["death", 5000],
    ],
  );
  teller.saw(cluster(five, 1, 1), 6000);
  teller.saw(cluster(five), 7000);
  assert.equal(teller.stories[0]!.over, 7000);
});

test("too few nodes for all copies: it says so and goes on", () => {
  const teller = new Storyteller();
  const three = {a: "alive", b: "alive", c: "alive"} as const;
  teller.saw(cluster(three), 0);
  teller.saw(cluster({...three, c: "dead"}, 5), 1000);
  teller.saw(cluster({...three, c: "dead"}, 5), 60_000);
  assert.equal(teller.stories[0]!.roomFor, false);
  assert.equal(teller.stories[0]!.over, undefined);
});

test("the page's own move is told with the death of its node, whichever comes first", () => {
  for (const moveFirst of [true, false]) {
    const teller = new Storyteller();
    teller.saw(cluster(five), 0);
    const move = () => teller.pageMoved("a", "http://b:7701", 340, 1000);
    if (moveFirst) move();
    teller.became("a", "suspect", 1200);
    if (!moveFirst) move();
    assert.deepEqual(teller.stories[0]!.moved, {to: "http://b:7701", after: 340});
  }
});

test("whatever comes, stories are few and no node has two that go on", () => {
  const states = ["alive", "suspect", "dead", "left"] as const;
  for (let seed = 1; seed <= 40; ++seed) {
    let random = seed;
    const next = (below: number) => (random = (random * 48_271) % 2_147_483_647) % below;
    const teller = new Storyteller();
    teller.saw(cluster(five), 0);
    for (let i = 0; i < 300; ++i) {
      const node = Object.keys(five)[next(5)]!;
      teller.became(node, states[next(4)]!, i * 100);
      if (next(3) === 0) teller.redirected(node);
      assert.ok(teller.stories.length <= 6);
      const open = teller.stories.filter(({over}) => over === undefined).map((each) => each.node);
      assert.equal(new Set(open).size, open.length);
    }
  }
});
