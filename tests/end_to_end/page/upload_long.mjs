// A large upload through the page whose node is killed twice: node upload_long.mjs [--mebibytes 2048] [PROGRAM]
// PROGRAM, or CHISME, is the program; without either, build/release/chisme. Needs nine times the size
// on the disk of the temporary folder. Prints rows for docs/page.md; exits 1 when the bytes differ.
import {mkdtempSync, openSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {modulesFolder} from "../../web/page/modules.mjs";
import {launch} from "./lib/browser.mjs";
import {startCluster} from "./lib/cluster.mjs";
import {mib} from "./lib/steps.mjs";
import {copiesOf, largeFile, readBack, uploadThroughKills} from "./lib/upload_kills.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const options = process.argv.slice(2);
const at = options.indexOf("--mebibytes");
const mebibytes = at < 0 ? 2048 : Number(options[at + 1]);
const given = options.find((each, i) => !each.startsWith("--") && (at < 0 || i !== at + 1));
const program = given ?? process.env.CHISME ?? join(root, "build/release/chisme");
const name = "large.bin";
const kills = {shares: [0.3, 0.6], rate: 0, limit: 20 * 60_000};

const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

async function measured(the) {
  const file = largeFile(join(the.folder, name), mebibytes);
  const {losses, seconds, memory} = await uploadThroughKills(the, name, file, kills);
  const [first] = the.cluster.nodes();
  const whole = (await readBack(first, name)) === file.sha256;
  row(`${mebibytes} MiB, its node killed ${losses.length} times`, `stored after ${seconds.toFixed(0)} s`);
  for (const {ms, again} of losses) row("killed", `sends again after ${ms} ms, ${mib(again)} once more`);
  row("most memory of the page's process", mib(memory));
  row("copies", await copiesOf(first, name));
  row("SHA-256 read back from another node", whole ? "the same" : "DIFFERENT");
  return whole && losses.every(({said}) => said);
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "chisme-upload-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const cluster = await startCluster({program, count: 5, folder, log});
  const browser = await launch(modulesFolder(), process.env.CHISME_CHROMIUM ?? "/usr/bin/chromium");
  let good = false;
  try {
    good = await measured({cluster, browser, folder});
  } finally {
    await browser.close();
    await cluster.end();
    rmSync(folder, {recursive: true, force: true});
  }
  process.exit(good ? 0 : 1);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
