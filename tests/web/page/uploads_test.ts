import assert from "node:assert/strict";
import {test} from "node:test";
import {
  freeName,
  settled,
  type Answer,
  type Question,
} from "../../../web/page/source/conflicts";
import {Meter} from "../../../web/page/source/overall";
import {shortQuotas} from "../../../web/page/source/quotas";

const chosen = (...names: string[]) =>
  names.map((name) => ({name, file: {size: 1} as unknown as File}));

function world(stored: string[], answers: Answer[]) {
  const asked: Question[] = [];
  return {
    asked,
    taken: async (names: readonly string[]) =>
      new Set(names.filter((name) => stored.includes(name))),
    ask: async (question: Question) => {
      asked.push(question);
      return answers.shift()!;
    },
  };
}

async function outcome(stored: string[], names: string[], answers: Answer[]) {
  const around = world(stored, answers);
  const kept = await settled(chosen(...names), around);
  return {kept: kept.map(({name}) => name), asked: around.asked};
}

test("names that nobody has are stored without a question", async () => {
  const {kept, asked} = await outcome(["x"], ["a", "b"], []);
  assert.deepEqual(kept, ["a", "b"]);
  assert.deepEqual(asked, []);
});

test("each taken name is asked about: replace, keep both or skip", async () => {
  const names = ["a.txt", "b.txt", "c.txt", "d.txt"];
  const {kept, asked} = await outcome(["a.txt", "b.txt", "c.txt"], names, [
    {choice: "replace", forAll: false},
    {choice: "both", forAll: false},
    {choice: "skip", forAll: false},
  ]);
  assert.deepEqual(kept, ["a.txt", "b (2).txt", "d.txt"]);
  assert.deepEqual(
    asked.map(({left}) => left),
    [2, 1, 0],
  );
  assert.equal(asked[1]!.free, "b (2).txt");
});

test("one answer may be for all that are left", async () => {
  const {kept, asked} = await outcome(["a", "b", "c"], ["a", "b", "c"], [
    {choice: "skip", forAll: false},
    {choice: "both", forAll: true},
  ]);
  assert.deepEqual(kept, ["b (2)", "c (2)"]);
  assert.equal(asked.length, 2);
});

test("two chosen files of one name are a conflict too", async () => {
  const {kept} = await outcome([], ["a", "a", "a"], [{choice: "both", forAll: true}]);
  assert.deepEqual(kept, ["a", "a (2)", "a (3)"]);
});

test("a free name counts on before the ending, and within its folder", async () => {
  const around = (...stored: string[]) => world(stored, []);
  const free = (name: string, ...stored: string[]) =>
    freeName(name, new Set(stored), around(...stored));
  assert.equal(await free("a.tar.gz"), "a.tar (2).gz");
  assert.equal(await free("a.b/c"), "a.b/c (2)");
  assert.equal(await free("d/.hidden"), "d/.hidden (2)");
  assert.equal(await free("a.txt", "a (2).txt", "a (3).txt"), "a (4).txt");
});

test("speed and time left are of all uploads together", () => {
  const meter = new Meter();
  assert.equal(meter.look([{size: 1000, sent: 0}], 0).left, Infinity);
  const parts = [
    {size: 1000, sent: 300},
    {size: 1000, sent: 200},
  ];
  assert.deepEqual(meter.look(parts, 1000), {sent: 500, size: 2000, speed: 500, left: 3});
  parts[0]!.sent = 800;
  assert.equal(meter.look(parts, 2000).speed, 500);
  parts[0]!.sent = 0; // it was sent anew
  assert.ok(meter.look(parts, 3000).speed >= 0);
});

test("a quota is short when what is to be sent under it is more than is left", () => {
  const quotas = [
    {prefix: "films/", limit: 100, used: 40},
    {prefix: "films/new/", limit: 50, used: 60},
    {prefix: "music/", limit: 10, used: 0},
  ];
  const sending = [
    {name: "films/a", bytes: 50},
    {name: "films/new/b", bytes: 11},
    {name: "music", bytes: 1000},
  ];
  assert.deepEqual(shortQuotas(quotas, sending), [
    {prefix: "films/", toSend: 61, left: 60},
    {prefix: "films/new/", toSend: 11, left: 0},
  ]);
  assert.deepEqual(shortQuotas(quotas, [{name: "films/a", bytes: 60}]), []);
});
