import assert from "node:assert/strict";
import {test} from "node:test";
import {bytes, filePath, host} from "../../../web/page/source/format";
import {Nodes, problemOf} from "../../../web/page/source/nodes";
import {parseRange} from "../../../web/page/source/player/range";

test("a range of a media element", () => {
  assert.deepEqual(parseRange("bytes=0-", 100), {start: 0, end: 100});
  assert.deepEqual(parseRange("bytes=10-19", 100), {start: 10, end: 20});
  assert.deepEqual(parseRange("bytes=90-500", 100), {start: 90, end: 100});
  assert.deepEqual(parseRange("bytes=-7", 100), {start: 93, end: 100});
  assert.deepEqual(parseRange("bytes=-500", 100), {start: 0, end: 100});
});

test("no range, or none that is understood, is the whole file", () => {
  for (const header of [null, "", "bytes=-", "items=0-1", "bytes=0-1,5-6"]) {
    assert.deepEqual(parseRange(header, 100), {start: 0, end: 100});
  }
});

test("a range beyond the end, or backwards, cannot be satisfied", () => {
  for (const header of ["bytes=100-", "bytes=500-600", "bytes=-0", "bytes=20-10"]) {
    assert.equal(parseRange(header, 100), undefined);
  }
});

test("sizes are short", () => {
  assert.deepEqual([0, 999, 1000, 1_500_000, 23_700_000, 999_999, 4e12].map(bytes), [
    "0\u00a0B",
    "999\u00a0B",
    "1\u00a0kB",
    "1.5\u00a0MB",
    "23.7\u00a0MB",
    "1\u00a0MB",
    "4\u00a0TB",
  ]);
});

test("a name becomes a path with its slashes and nothing else left open", () => {
  assert.equal(filePath("a b/ñ?#%.mp4"), "/files/a%20b/%C3%B1%3F%23%25.mp4");
});

test("an origin is shown without its scheme", () => {
  assert.equal(host("http://127.0.0.1:7701"), "127.0.0.1:7701");
});

test("a problem is told by its detail, else by its title, else by its status", () => {
  assert.equal(
    problemOf(507, '{"title":"T","detail":"No room on any node."}').message,
    "No room on any node.",
  );
  assert.equal(problemOf(507, '{"title":"T"}').message, "T");
  assert.match(problemOf(502, "<html>").message, /502/);
});

function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test("known nodes outlive the page", () => {
  const shelf = storage();
  new Nodes("http://a", shelf).learn(["http://b", "http://c", "javascript:alert(1)"]);
  assert.deepEqual(new Nodes("http://a", shelf).all, ["http://a", "http://b", "http://c"]);
});

test("a store that holds nonsense is ignored", () => {
  for (const nonsense of ["{", "7", "[1,null]"]) {
    assert.deepEqual(
      new Nodes("http://a", {getItem: () => nonsense, setItem: () => undefined}).all,
      ["http://a"],
    );
  }
});

test("the node that answered is asked first, the silent one last", () => {
  const nodes = new Nodes("http://a");
  nodes.learn(["http://b", "http://c"]);
  nodes.answered("http://c");
  nodes.silent("http://a");
  assert.deepEqual(nodes.all, ["http://c", "http://b", "http://a"]);
  assert.equal(nodes.after("http://a"), "http://c");
});

async function withFetch<T>(
  answer: (url: string) => Promise<Response>,
  run: () => Promise<T>,
): Promise<T> {
  const before = globalThis.fetch;
  globalThis.fetch = ((url: string) => answer(url)) as typeof fetch;
  try {
    return await run();
  } finally {
    globalThis.fetch = before;
  }
}

test("a question goes to the next node when one is dead, refuses or hangs", async () => {
  const nodes = new Nodes("http://dead");
  nodes.learn(["http://full", "http://hung", "http://good"]);
  const answer = async (url: string) => {
    if (url.startsWith("http://dead")) throw new TypeError("refused");
    if (url.startsWith("http://full")) return new Response("{}", {status: 503});
    if (url.startsWith("http://hung")) return new Promise<Response>(() => undefined);
    return new Response("yes");
  };
  const response = await withFetch(answer, () => nodes.fetchAny("/cluster"));
  assert.equal(await response.text(), "yes");
  assert.equal(nodes.best, "http://good");
});

test("when no node answers, a sentence says so", async () => {
  const nodes = new Nodes("http://a");
  nodes.learn(["http://b"]);
  const dead = () => Promise.reject(new TypeError("refused"));
  await withFetch(dead, () =>
    assert.rejects(nodes.fetchAny("/cluster"), /No node of the cluster answers/),
  );
});
