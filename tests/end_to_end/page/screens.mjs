// Shows the page: node screens.mjs [--out docs/screens] [--only files,player] [PROGRAM]
// PROGRAM, or CHISME, is the program; without either, build/release/chisme. Writes each view, wide and
// as small as a telephone, some dark, some in Spanish. Two minutes; --whole does not cut long views.
import {mkdirSync, mkdtempSync, openSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {modulesFolder} from "../../web/page/modules.mjs";
import {launch} from "./lib/browser.mjs";
import {startCluster} from "./lib/cluster.mjs";
import {views} from "./lib/screen_views.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const options = process.argv.slice(2);
const value = (name) => {
  const at = options.indexOf(name);
  return at < 0 ? undefined : options[at + 1];
};
const given = options.find((each, i) => !each.startsWith("--") && !/^--o/.test(options[i - 1] ?? ""));
const program = given ?? process.env.CHISME ?? join(root, "build/release/chisme");
const out = value("--out") ?? join(root, "docs/screens");
const only = value("--only")?.split(",");

async function main() {
  mkdirSync(out, {recursive: true});
  const folder = mkdtempSync(join(tmpdir(), "chisme-screens-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const cluster = await startCluster({program, count: 5, folder, log});
  const browser = await launch(modulesFolder(), process.env.CHISME_CHROMIUM ?? "/usr/bin/chromium");
  const the = {cluster, browser, folder, program, out, whole: options.includes("--whole")};
  let failed = 0;
  try {
    for (const [name, view] of Object.entries(views)) {
      if (only && !only.includes(name) && !view.needed) continue;
      const shown = only && !only.includes(name) ? {...the, out: folder} : the;
      await view(shown).catch((failure) => (++failed, console.error(`${name}: ${failure.message}`)));
    }
  } finally {
    await browser.close();
    await cluster.end();
    rmSync(folder, {recursive: true, force: true});
  }
  process.exit(failed ? 1 : 0);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
