import assert from "node:assert/strict";
import {test} from "node:test";
import {History, samplesKept} from "../../../web/page/source/cluster/history";
import {Announcer, asText, Journal, journalBound} from "../../../web/page/source/cluster/journal";
import {Merge} from "../../../web/page/source/cluster/merge";
import {Others, othersHeard} from "../../../web/page/source/cluster/others";
import {arc, bent, height, ring, shortNames, width} from "../../../web/page/source/cluster/ring";
import {Storyteller} from "../../../web/page/source/cluster/story";
import {Traffic} from "../../../web/page/source/cluster/traffic";
import type {Cluster, ClusterMessage, Member} from "../../../web/page/source/types";
import {steps} from "../../../web/page/source/views/cluster/steps";

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

test("a death tells which requests were sent on, and who makes copies for whom", () => {
  const teller = new Storyteller();
  teller.saw(cluster(five), 0);
  teller.copied("a", "c", "started"); // before: of an upload
  teller.became("b", "suspect", 1000);
  teller.became("b", "dead", 3000);
  teller.redirected("c");
  teller.redirected("d");
  teller.saw(cluster({...five, b: "dead"}, 3, 0), 4000);
  for (const to of ["d", "d", "e"]) teller.copied("a", to, "started");
  teller.copied("c", "e", "started");
  teller.copied("a", "d", "finished");
  teller.copied("a", "e", "failed");
  teller.saw(cluster({...five, b: "dead"}, 2, 1), 5000);
  const told = () => steps(teller.stories[0]!, (node) => node).map(({sentence}) => sentence);
  assert.deepEqual(told(), [
    "b does not answer. The others ask each other before they give it up.",
    "After 2.0\u00a0s they agree: b is dead.",
    "2 requests were sent on since, to c (1), d (1).",
    "Copies go from a to d (2), from c to e (1).",
    "Copies are being made: 1 of 3 done.",
  ]);
  teller.saw(cluster({...five, b: "dead"}), 6000);
  assert.equal(told().at(-1), "All 3 copies that were missing are there again.");
});

// A world of sockets and timers that a test moves.
function lines() {
  const open: {url: string; heard: (news: ClusterMessage) => void; ended: () => void}[] = [];
  const timers: {delay: number; run: () => void}[] = [];
  const [said, silent]: [string[], string[]] = [[], []];
  const others = new Others({
    open: (url, heard, ended) => {
      const line = {url, heard, ended};
      open.push(line);
      return {close: () => void open.splice(open.indexOf(line), 1)};
    },
    after: (delay, run) => {
      const timer = {delay, run};
      timers.push(timer);
      return () => void timers.splice(0, timers.length, ...timers.filter((each) => each !== timer));
    },
    heard: (node, {type}) => said.push(`${node} ${type}`),
    silent: (node) => silent.push(node),
  });
  const urls = () => open.map(({url}) => url);
  return {others, open, timers, said, silent, urls};
}

test("every node that lives is heard, but the page's own, and none when the view is left", () => {
  const {others, open, urls, said, silent} = lines();
  const list = [member("a"), member("b"), member("c", "dead"), member("d", "suspect")];
  assert.equal(others.follow(list, "a"), 0);
  assert.deepEqual(urls(), ["ws://b:7701/ws/cluster?files=0"]);
  const [b] = open;
  b!.heard({type: "lost", sha256: "1"});
  others.follow([member("a"), member("b", "suspect")], "a");
  assert.equal(urls().length, 1, "a suspect is heard on");
  others.follow([member("a"), member("b")], "b");
  assert.deepEqual(urls(), ["ws://a:7701/ws/cluster?files=0"], "the page went on at b");
  b!.heard({type: "lost", sha256: "2"});
  others.close();
  assert.deepEqual(urls(), []);
  assert.deepEqual([said, silent], [["b lost"], ["b", "a"]]);
});

test("sixteen nodes are heard at most, the same ones all the time", () => {
  const {others, urls} = lines();
  const many = Array.from({length: 20}, (_, i) => member(`n${i}`));
  assert.equal(others.follow(many, "n19"), 4);
  const first = urls();
  assert.equal(first.length, othersHeard);
  others.follow([...many].reverse(), "n19");
  assert.deepEqual(urls(), first);
  assert.equal(others.follow(many.slice(2), "n19"), 2);
  assert.equal(urls().length, othersHeard);
});

test("a feed that ends is opened again, later and later, until it says something", () => {
  const {others, open, timers} = lines();
  others.follow([member("b")], "a");
  const delays: number[] = [];
  for (let i = 0; i < 7; ++i) {
    open[0]!.ended();
    assert.equal(open.length, 0);
    delays.push(timers[0]!.delay);
    timers.shift()!.run();
  }
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  open[0]!.heard({type: "lost", sha256: "1"});
  open[0]!.ended();
  assert.equal(timers[0]!.delay, 1000);
  others.close();
  assert.equal(timers.length, 0, "nothing is opened after the view was left");
});

test("what two nodes tell of the same copy is told once; the next one anew", () => {
  const merge = new Merge();
  const copy = (stage: string): ClusterMessage => {
    return {type: "repair", sha256: "1", from: "a", target: "b", stage};
  };
  const admitted = (teller: string, stage: string, now: number) =>
    merge.admit(teller, copy(stage), now) !== undefined;
  assert.equal(admitted("a", "started", 0), true);
  assert.equal(admitted("b", "started", 10), false);
  assert.equal(admitted("b", "finished", 20), true);
  assert.equal(admitted("a", "finished", 1500), false);
  assert.equal(admitted("a", "started", 2000), true, "after a failure, again");
  assert.equal(admitted("b", "started", 2010), false);
  assert.equal(admitted("b", "started", 9000), true, "long after");
  const sent: ClusterMessage = {type: "redirect", file: "f", to: "b"};
  assert.equal(merge.admit("a", sent, 1), 1);
  assert.equal(merge.admit("c", sent, 1), 1, "each node sends its own clients on");
});

test("news are put when they happened, whatever the nodes' clocks say", () => {
  const merge = new Merge();
  const news = (at: number): ClusterMessage => ({type: "redirect", file: "f", to: "b", at});
  assert.equal(merge.admit("a", news(5_000_000), 1000), 1000);
  assert.equal(merge.admit("b", news(7), 1010), 1010);
  assert.equal(merge.admit("b", news(507), 3000), 1510, "it was on its way for long");
  assert.equal(merge.admit("a", news(5_002_000), 3000), 3000);
  assert.equal(merge.admit("a", news(9), 4000), 4000, "the clock was set back");
  const journal = new Journal();
  for (const at of [1000, 3000, 2000]) journal.add("client", `${at}`, () => `${at}`, at);
  assert.deepEqual(
    journal.list.map(({at}) => at),
    [3000, 2000, 1000],
  );
});
