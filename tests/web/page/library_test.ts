import assert from "node:assert/strict";
import {test} from "node:test";
import {whyShort} from "../../../web/page/source/copies";
import {Deletions, undoTime, type Doomed} from "../../../web/page/source/deletions";
import {comparison, Listing, matches, wordsOf, type Order} from "../../../web/page/source/listing";
import {Pages, type Answer} from "../../../web/page/source/pages";
import {rangeTo, ticked, without} from "../../../web/page/source/selection";
import type {Cluster, Member, StoredFile} from "../../../web/page/source/types";
import {UnfinishedDeletions} from "../../../web/page/source/unfinished_deletions";
import {kept, windowOf} from "../../../web/page/source/views/files/window";

const byName: Order = {sort: "name", descending: false};

function file(name: string, more: Partial<StoredFile> = {}): StoredFile {
  const rest = {size: 1, type: "", sha256: "", version: "v1", modified: "2026-01-01T00:00:00Z"};
  return {name, ...rest, copies: 3, wanted: 3, ...more};
}

const files = (...names: string[]) => names.map((name) => file(name));
const names = (listing: Listing) => listing.rows.map((row) => row?.name ?? "-").join("");

test("the window holds what is seen and some rows around it", () => {
  assert.deepEqual(windowOf(0, 600, 60, 50_000), {first: 0, last: 16});
  assert.deepEqual(windowOf(60_000, 600, 60, 50_000), {first: 994, last: 1016});
  assert.deepEqual(windowOf(60 * 49_990, 600, 60, 50_000), {first: 49_984, last: 50_000});
  assert.deepEqual(windowOf(60_000, 600, 60, 3), {first: 0, last: 3});
  assert.deepEqual(windowOf(0, 600, 60, 0), {first: 0, last: 0});
});

test("a row that moved stays in view, but the top of the list stays the top", () => {
  assert.equal(kept(600, 60, 10, 12), 720);
  assert.equal(kept(600, 60, 10, 0), 0);
  assert.equal(kept(0, 60, 0, 1), 0);
});

test("each word has to be in the name, in any case", () => {
  assert.ok(matches("Holiday/Beach 2.JPG", wordsOf(" jpg  holi ")));
  assert.ok(!matches("Holiday/Beach 2.JPG", wordsOf("jpg snow")));
  assert.ok(matches("anything", wordsOf(" ")));
});

test("files are ordered by what is asked for, in both directions, then by name", () => {
  const some = [
    file("b", {size: 5, modified: "2026-01-01T00:00:00.9Z"}),
    file("a", {size: 5, modified: "2026-01-01T00:00:01Z"}),
    file("c", {size: 1, modified: "2025-01-01T00:00:00Z"}),
  ];
  const sorted = (order: Order) =>
    [...some].sort(comparison(order)).map(({name}) => name).join("");
  assert.equal(sorted(byName), "abc");
  assert.equal(sorted({sort: "name", descending: true}), "cba");
  assert.equal(sorted({sort: "size", descending: false}), "cab");
  assert.equal(sorted({sort: "size", descending: true}), "abc");
  assert.equal(sorted({sort: "modified", descending: true}), "abc");
});

test("for people 2 comes before 10", () => {
  const list = files("f 10", "f 2").sort(comparison(byName, true));
  assert.equal(list[0]!.name, "f 2");
});

test("pages are placed, and missing ones are asked for in whole pages", () => {
  const listing = new Listing(comparison(byName));
  listing.place(2, files("c", "d"), 6);
  assert.equal(names(listing), "--cd--");
  assert.deepEqual(listing.missing(0, 4, 2), {offset: 0, limit: 2});
  assert.deepEqual(listing.missing(3, 6, 2), {offset: 4, limit: 2});
  assert.equal(listing.missing(2, 4, 2), undefined);
  assert.equal(listing.missing(10, 14, 2), undefined);
});

test("another total means that other pages are not what they were", () => {
  const listing = new Listing(comparison(byName));
  listing.place(0, files("a", "b"), 4);
  listing.place(2, files("d", "e"), 5);
  assert.equal(names(listing), "--de-");
});

test("a row is never in two places", () => {
  const listing = new Listing(comparison(byName));
  listing.place(0, files("a", "b"), 4);
  listing.place(2, files("b", "c"), 4);
  assert.equal(names(listing), "a-bc");
});

test("a new file goes where it belongs, between rows that are here", () => {
  const listing = new Listing(comparison(byName));
  listing.place(0, files("b", "d"), 4);
  assert.ok(listing.changed(file("a")));
  assert.ok(listing.changed(file("c")));
  assert.equal(names(listing), "abcd--");
  assert.ok(!listing.changed(file("x")), "only a node knows where it is");
});

test("a change stays in its place, or moves when its order changed", () => {
  const listing = new Listing(comparison({sort: "size", descending: true}));
  const sizes = [file("a", {size: 9}), file("b", {size: 5}), file("c", {size: 1})];
  listing.place(0, sizes, 3);
  assert.ok(listing.changed(file("b", {size: 5, copies: 1})));
  assert.equal(listing.rows[1]!.copies, 1);
  assert.ok(listing.changed(file("c", {size: 7})));
  assert.equal(names(listing), "acb");
});

test("a file that does not match does not come into a search", () => {
  const listing = new Listing(comparison(byName), ["x"]);
  listing.place(0, files("x1"), 1);
  listing.changed(file("a"));
  assert.equal(names(listing), "x1");
});

test("a removed file leaves; when it was not here, a node has to tell", () => {
  const listing = new Listing(comparison(byName));
  listing.place(0, files("a", "b"), 4);
  assert.ok(listing.removed("a"));
  assert.equal(names(listing), "b--");
  assert.ok(!listing.removed("z"));
});

function served(list: StoredFile[]) {
  const asked: string[] = [];
  const answer = async (path: string): Promise<Answer> => {
    asked.push(path);
    const at = new URL(path, "http://n").searchParams;
    const offset = Number(at.get("offset"));
    const end = offset + Number(at.get("limit"));
    return {files: list.slice(offset, end), total: list.length};
  };
  return {asked, pages: new Pages(answer)};
}

const numbered = (count: number) =>
  Array.from({length: count}, (_, i) => file(String(i).padStart(6, "0")));
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

test("only the pages that are looked at are asked for", async () => {
  const {asked, pages} = served(numbered(50_000));
  await pages.ask({text: " two words ", order: byName});
  assert.equal(pages.listing!.rows.length, 50_000);
  assert.match(asked[0]!, /search=two%20words&sort=name&order=asc&offset=0&limit=100$/);
  pages.show(30_050, 30_070);
  await soon();
  assert.equal(asked.length, 2);
  assert.equal(pages.listing!.rows[30_060]!.name, "030060");
  assert.equal(pages.listing!.rows[29_000], undefined);
});

test("the files of any rows are fetched, a thousand at a time", async () => {
  const {asked, pages} = served(numbered(5000));
  await pages.ask({text: "", order: byName});
  const all = await pages.files(0, 5000);
  assert.equal(all.length, 5000);
  assert.ok(asked.length <= 7, `${asked.length}`);
});

test("an older node tells no total: the list is not from there", async () => {
  const pages = new Pages(async () => ({files: []}));
  await pages.ask({text: "", order: byName});
  assert.equal(pages.able.value, false);
  assert.equal(pages.listing, undefined);
});

test("rows are ticked one by one and by ranges", () => {
  assert.deepEqual(rangeTo(4, false), {first: 4, last: 5});
  assert.deepEqual(rangeTo(1, true), {first: 1, last: 5});
  assert.deepEqual(rangeTo(3, true), {first: 1, last: 4});
  const some = ticked(new Map(), [file("a", {size: 7}), file("b")], true);
  assert.deepEqual([...some.values()].map(({name, size}) => [name, size]), [["a", 7], ["b", 1]]);
  assert.deepEqual([...ticked(some, files("a"), false).keys()], ["b"]);
  assert.deepEqual([...without(some, ["b", "x"]).keys()], ["a"]);
  assert.equal(without(some, ["x"]), some);
});

const doomed = (names: string[]): Doomed =>
  new Map(names.map((name) => [name, {version: `v of ${name}`, sha256: `sha of ${name}`}]));

function bin() {
  const sent: string[][] = [];
  const timers = new Set<() => void>();
  const state = {arrive: () => {}};
  const deletions = new Deletions({
    after: (delay, run) => {
      assert.equal(delay, undoTime);
      timers.add(run);
      return () => timers.delete(run);
    },
    send: (list) => {
      sent.push([...list.keys()]);
      return new Promise((resolve) => (state.arrive = resolve));
    },
    changed: () => {},
  });
  return {deletions, sent, timers, state};
}

test("deleted files are hidden at once and deleted when nobody wants them back", async () => {
  const {deletions, sent, timers, state} = bin();
  deletions.add(doomed(["a", "b"]));
  assert.deepEqual([...deletions.hidden.keys()], ["a", "b"]);
  assert.deepEqual(sent, []);
  for (const run of timers) run();
  assert.deepEqual(sent, [["a", "b"]]);
  assert.deepEqual([...deletions.hidden.keys()], ["a", "b"], "until a node has answered");
  assert.deepEqual(deletions.batches, []);
  state.arrive();
  await soon();
  assert.equal(deletions.hidden.size, 0);
});

test("what is undone is not deleted", () => {
  const {deletions, sent, timers} = bin();
  deletions.add(doomed(["a"]));
  deletions.add(doomed(["a", "b"]));
  assert.deepEqual(deletions.batches.map(({files}) => [...files.keys()]), [["b"], ["a"]]);
  deletions.undo(deletions.batches[1]!.id);
  assert.deepEqual([...deletions.hidden.keys()], ["b"]);
  assert.equal(timers.size, 1);
  assert.deepEqual(sent, []);
});

test("a file that is stored anew meanwhile is spared", () => {
  const {deletions, timers} = bin();
  deletions.add(doomed(["a", "b"]));
  deletions.spare("a");
  assert.deepEqual([...deletions.hidden.keys()], ["b"]);
  deletions.spare("b");
  assert.equal(timers.size, 0);
});

test("a name that is stored anew is deleted at once, the others can still be undone", async () => {
  const {deletions, sent, timers, state} = bin();
  deletions.add(doomed(["a", "b"]));
  const deleted = deletions.nowOf(new Set(["a", "x"]));
  assert.deepEqual(sent, [["a"]]);
  assert.deepEqual(deletions.batches.map(({files}) => [...files.keys()]), [["b"]]);
  state.arrive();
  await deleted;
  assert.equal(timers.size, 1);
  await deletions.nowOf(new Set(["x"]));
  assert.equal(sent.length, 1);
});

test("a page that is left takes all that waits, once", async () => {
  const {deletions, timers, sent, state} = bin();
  deletions.add(doomed(["a"]));
  deletions.add(doomed(["b"]));
  const last: string[][] = [];
  const leaving = deletions.leave(async (list) => void last.push([...list.keys()].sort()));
  assert.deepEqual([...deletions.hidden.keys()].sort(), ["a", "b"], "until a node has answered");
  await leaving;
  await deletions.leave(async (list) => void last.push([...list.keys()]));
  assert.deepEqual([last, sent], [[["a", "b"]], []]);
  assert.deepEqual([timers.size, deletions.hidden.size], [0, 0]);
  state.arrive();
});

class MemoryStorage implements Storage {
  private readonly kept = new Map<string, string>();
  get length() {
    return this.kept.size;
  }
  key = (at: number) => [...this.kept.keys()][at] ?? null;
  getItem = (key: string) => this.kept.get(key) ?? null;
  setItem = (key: string, value: string) => void this.kept.set(key, value);
  removeItem = (key: string) => void this.kept.delete(key);
  clear = () => this.kept.clear();
}

test("what a page did not delete before it was left is the next one's, with what was seen", () => {
  const storage = new MemoryStorage();
  const [first, second] = ["1", "2"].map((page) => new UnfinishedDeletions(storage, page));
  first!.keep(doomed(["a"]), 1000);
  assert.deepEqual(first!.others(), [], "its own");
  assert.ok(second!.others()[0]!.due > 60_000, "the first one may live and wait for an undo");
  first!.leave(doomed(["a", "b"]));
  const [left] = second!.others();
  assert.equal(left!.due, 0);
  assert.deepEqual([...left!.files], [...doomed(["a", "b"])]);
  second!.forget(left!);
  assert.deepEqual(second!.others(), []);
  first!.keep(doomed(["a"]), 1000);
  first!.keep(doomed([]), 1000);
  assert.equal(storage.length, 0, "nothing is kept of what is done");
});

test("without storage, or when it is full, nothing breaks", () => {
  const full = new MemoryStorage();
  full.setItem = () => {
    throw new Error("full");
  };
  for (const storage of [full, undefined]) {
    const deletions = new UnfinishedDeletions(storage);
    deletions.keep(doomed(["a"]), 0);
    deletions.leave(doomed(["a"]));
    assert.deepEqual(deletions.others(), []);
  }
});

function clusterOf(...states: Member["state"][]): Cluster {
  const members = states.map((state, i) => ({state, http: `http://n${i}`, draining: false}));
  return {in_touch: true, members} as unknown as Cluster;
}

test("why a file has too few copies", () => {
  const short = (copies: number, cluster?: Cluster) => whyShort(file("a", {copies}), cluster);
  assert.equal(short(3, clusterOf("alive")), "");
  assert.match(short(0, clusterOf("alive", "alive", "alive")), /no node in reach/);
  assert.match(short(2, clusterOf("alive", "alive", "dead")), /only 2 nodes are up/);
  assert.match(short(1, clusterOf("alive", "left", "left")), /only one node is up/);
  assert.match(short(2, clusterOf("alive", "alive", "alive", "dead")), /^n3 is dead/);
  assert.match(short(2, clusterOf("alive", "alive", "alive", "dead", "dead")), /2 nodes are dead/);
  assert.match(short(2, clusterOf("alive", "alive", "alive")), /being made/);
  assert.match(short(2), /being made/);
});
