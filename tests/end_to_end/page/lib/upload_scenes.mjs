// An upload that outlives two of its nodes; upload_long.mjs measures it with a large file.
import {join} from "node:path";
import {until} from "./cluster.mjs";
import {mib, settled} from "./steps.mjs";
import {copiesOf, largeFile, readBack, uploadThroughKills} from "./upload_kills.mjs";

async function uploadTwice(the) {
  if (the.fake) return;
  const name = "twice.bin";
  const file = largeFile(join(the.folder, name), 96);
  const kills = {shares: [0.25, 0.6], rate: 12_000_000, limit: 60_000};
  const {losses} = await uploadThroughKills(the, name, file, kills);
  for (const {host, said, ms, again} of losses) {
    const good = said !== undefined && said !== host && ms < 15_000;
    the.report("an upload whose node is killed: sends on elsewhere", `${ms} ms`, "< 15 s", good);
    the.report("and not much once more", mib(again), "< 20 MiB", again < 20 << 20);
  }
  const others = losses[0].host !== losses[1].host;
  the.report("two nodes were lost to it", losses.map(({host}) => host.slice(-5)).join(" "), "", others);
  const [first] = the.cluster.nodes();
  const complete = async () => (await copiesOf(first, name)) >= 3;
  await until(10_000, "its copies are all made", complete).catch(() => undefined);
  const copies = await copiesOf(first, name);
  the.report("it has all its copies", copies, ">= 3", copies >= 3);
  const same = (await readBack(first, name)) === file.sha256;
  the.report("and its bytes", same ? "yes" : "no", "", same);
  await settled(the);
}

export const uploadScenes = {uploadTwice};
