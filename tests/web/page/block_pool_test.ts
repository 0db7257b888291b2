import assert from "node:assert/strict";
import {test} from "node:test";
import {BlockPool, type PoolOptions} from "../../../web/page/source/player/block_pool";
import {content, World} from "./world";

const size = 100_000;

function setting(count: number, options: PoolOptions = {}) {
  const world = new World(content(size), count);
  const served: string[] = [];
  const pool = new BlockPool({name: "a b", version: "v1", size}, world, {
    blockSize: 8000,
    onServing: (holder, reason) => served.push(`${holder.node} ${reason}`),
    ...options,
  });
  return {world, pool, served};
}

// Reads the whole file in order; answers the bytes and the longest wait for some.
async function readAll(world: World, pool: BlockPool, limit = 60_000) {
  const got: number[] = [];
  let longest = 0;
  let ended = false;
  const reading = (async () => {
    while (got.length < size) {
      const since = world.now();
      pool.prefetch(got.length, 40_000);
      got.push(...(await pool.read(got.length, 5000)));
      longest = Math.max(longest, world.now() - since);
    }
  })().finally(() => (ended = true));
  await world.pass(limit, () => ended);
  assert.ok(ended, `only ${got.length} bytes came in ${limit} ms`);
  await reading;
  return {bytes: Uint8Array.from(got), longest};
}

test("reads a file exactly, from the best holder", async () => {
  const {world, pool, served} = setting(3);
  const {bytes} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.deepEqual(served, ["n1 first"]);
  assert.equal(world.holders[1]!.asked.length, 0);
});

test("keeps a standby open, and no third socket", async () => {
  const {world, pool} = setting(4);
  await readAll(world, pool);
  assert.deepEqual(
    world.holders.map((each) => each.opened),
    [1, 1, 0, 0],
  );
});

test("never has more than four requests in flight", async () => {
  const {world, pool} = setting(1);
  pool.prefetch(0, size);
  await world.pass(2);
  assert.equal(world.holders[0]!.asked.length, 4);
});

test("goes on at the standby, from the same byte, when the holder dies", async () => {
  const {world, pool, served} = setting(3);
  world.after(30, () => world.holders[0]!.die());
  const {bytes, longest} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.deepEqual(served, ["n1 first", "n2 closed"]);
  assert.ok(longest < 20, `${longest} ms`);
  const first = world.holders[1]!.asked[0]!;
  assert.ok(first.offset % 8000 !== 0, "the part of a block that is here is not asked for again");
});

test("tells of the one it goes on at when nobody stood by", async () => {
  const {world, pool, served} = setting(2);
  const [first, second] = world.holders;
  let known = [first!.holder];
  world.route = async () => known;
  world.after(30, () => {
    known = [second!.holder];
    first!.die();
  });
  const {bytes} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.deepEqual(served, ["n1 first", "n2 closed"]);
});

test("goes on at the standby within half a second when the holder hangs", async () => {
  const {world, pool, served} = setting(3);
  world.after(30, () => (world.holders[0]!.hung = true));
  const {bytes, longest} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.equal(served[1], "n2 quiet");
  assert.ok(longest <= 500, `${longest} ms`);
});

test("goes on when the holder hangs and the standby dies at once", async () => {
  const {world, pool} = setting(3);
  world.after(30, () => (world.holders[0]!.hung = true));
  world.after(31, () => world.holders[1]!.die());
  const {bytes, longest} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.ok(longest <= 1500, `${longest} ms`);
});

test("goes on when the holder and the standby hang", async () => {
  const {world, pool} = setting(3);
  world.after(30, () => (world.holders[0]!.hung = world.holders[1]!.hung = true));
  const {bytes, longest} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.ok(longest <= 4000, `${longest} ms`);
});

test("starts with the next holder when the best one hangs from the first", async () => {
  const {world, pool} = setting(2);
  world.holders[0]!.hung = true;
  const {bytes, longest} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.ok(longest <= 600, `${longest} ms`);
});

test("does not condemn slow nodes that go on", async () => {
  const {world, pool, served} = setting(2);
  for (const each of world.holders) each.delay = 1600; // slower than any fixed watchdog
  const {bytes} = await readAll(world, pool, 400_000);
  assert.deepEqual(bytes, content(size));
  assert.ok(served.length <= 2, served.join(", "));
});

test("waits for the only holder while it hangs, and goes on when it does", async () => {
  const {world, pool, served} = setting(1);
  world.after(30, () => (world.holders[0]!.hung = true));
  world.after(20_000, () => (world.holders[0]!.hung = false));
  const {bytes} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.deepEqual(served, ["n1 first"]);
});

test("comes back to the only holder when it was restarted", async () => {
  const {world, pool} = setting(1);
  const [only] = world.holders;
  world.after(30, () => only!.die());
  world.after(5000, () => (only!.alive = true));
  const {bytes, longest} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.ok(longest <= 12_000, `${longest} ms`);
});

test("tries the others when one no longer has the file", async () => {
  const {world, pool, served} = setting(2);
  world.holders[0]!.refusal = "gone";
  const {bytes} = await readAll(world, pool);
  assert.deepEqual(bytes, content(size));
  assert.equal(served.at(-1), "n2 refused");
});

test("says why when every holder refuses", async () => {
  const {world, pool} = setting(2);
  for (const each of world.holders) each.refusal = "This version was deleted.";
  const reading = assert.rejects(pool.read(0, 10), /This version was deleted/);
  await world.pass(60_000);
  await reading;
});

test("an aborted read ends at once and asks for nothing more", async () => {
  const {world, pool} = setting(1);
  const abort = new AbortController();
  const reading = assert.rejects(pool.read(0, 10, abort.signal), {name: "AbortError"});
  abort.abort();
  await reading;
  pool.forgetAhead();
  await world.pass(1000);
  assert.equal(world.holders[0]!.asked.length, 0);
});

test("what was asked for ahead is cancelled when the reader goes elsewhere", async () => {
  const {world, pool} = setting(1);
  const [only] = world.holders;
  pool.prefetch(0, 32_000);
  await world.pass(2);
  const asked = only!.asked.map(({id}) => id);
  pool.forgetAhead();
  const reading = pool.read(90_000, 10);
  await world.pass(3);
  assert.deepEqual(only!.cancelled, asked);
  assert.deepEqual(await reading, content(size).slice(90_000, 90_010));
});

test("closing ends reads and closes the sockets", async () => {
  const {world, pool} = setting(2);
  const reading = assert.rejects(pool.read(0, 10), {name: "AbortError"});
  await world.pass(1);
  pool.close();
  await reading;
  await world.pass(10_000);
  assert.deepEqual(
    world.holders.map((each) => each.links.size),
    [0, 0],
  );
});

test("a read beyond the end is empty", async () => {
  const {pool} = setting(1);
  assert.equal((await pool.read(size, 10)).length, 0);
});

test("asks for the route rarely while one holder serves", async () => {
  const {world, pool} = setting(1);
  world.holders[0]!.delay = 100;
  await readAll(world, pool);
  assert.ok(world.routes < 6, `${world.routes}`);
});

test("memory stays within its capacity", async () => {
  const {world, pool} = setting(1, {capacity: 32_000});
  let ended = false;
  const reading = (async () => {
    for (let at = 0; at < size;) at += (await pool.read(at, 5000)).length;
    ended = true;
  })();
  await world.pass(60_000, () => ended);
  await reading;
  let kept = 0;
  for (let i = 0; i < pool.blocks.count; ++i) kept += pool.blocks.peek(i)?.bytes.length ?? 0;
  assert.ok(kept <= 32_000, `${kept}`);
});

// Holders die, hang and come back as the seed says; one of them always serves.
for (let seed = 1; seed <= 30; ++seed) {
  test(`reads exactly whatever happens to the holders (seed ${seed})`, async () => {
    const {world, pool} = setting(3);
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) % below;
    };
    for (let i = 0; i < 40; ++i) {
      world.after(random(3000), () => {
        const [one, other] = [world.holders[1 + random(2)]!, world.holders[1 + random(2)]!];
        one.die();
        world.after(random(400), () => (one.alive = true));
        other.hung = true;
        world.after(random(900), () => (other.hung = false));
        world.holders[0]!.delay = 1 + random(60);
      });
    }
    const {bytes} = await readAll(world, pool);
    assert.deepEqual(bytes, content(size));
  });
}
